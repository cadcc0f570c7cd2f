//! The bounds of all limits, and the relations between them.

use super::error::{Problem, Problems, is_alphanumeric, quoted, within};
use super::file::Config;
use super::place::TAKEN;
use super::sections::GatewaySection;
use crate::domain::{self, VenueLimits};
use crate::runtime::ThreadingMode;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Component;

/// A ring must hold the events of several commands; otherwise no batch would form.
const RING_SLOTS: RangeInclusive<usize> = 64..=1 << 26;
/// The largest segment is the journal crate's `SEGMENT_BYTES_MAX`.
const SEGMENT_MIB: RangeInclusive<u64> = 1..=dojima_journal::layout::SEGMENT_BYTES_MAX >> 20;
const SPARE_SEGMENTS: RangeInclusive<u32> = 1..=64;
/// The lower bound suffices for tests; with a snapshot after every command the engine would do nothing else.
const SNAPSHOT_EVERY: RangeInclusive<u64> = 100..=1 << 48;
/// In SoupBinTCP 4.1 a client's own timeout has five digits of milliseconds; this one may be longer.
const TIMEOUT_MS: RangeInclusive<u64> = 10..=3_600_000;
/// A thread may sleep for 25 ms, so shorter intervals would deliver several ticks at once.
const TICK_INTERVAL_MS: RangeInclusive<u64> = 50..=3_600_000;

/// The least number of days for which session names must be available.
const ROLLS_MIN: u32 = 365;

/// All values out of bounds in the tables that configure the process.
pub(super) fn limits(config: &Config) -> Vec<Problem> {
    let mut problems = Problems::default();
    let p = &mut problems;
    rings(config, p);
    shard_cores(config, p);
    let journal = &config.journal;
    within(p, "journal.async_sync_interval_ms", journal.async_sync_interval_ms, 1..=10_000);
    within(p, "journal.segment_mib", journal.segment_mib, SEGMENT_MIB);
    within(p, "journal.spare_segments", journal.spare_segments, SPARE_SEGMENTS);
    within(p, "event_log.segment_mib", config.event_log.segment_mib, SEGMENT_MIB);
    within(p, "event_log.spare_segments", config.event_log.spare_segments, SPARE_SEGMENTS);
    within(p, "snapshots.keep", config.snapshots.keep, 1..=1_000);
    for (key, every) in [
        ("snapshots.every_commands", config.snapshots.every_commands),
        ("snapshots.checkpoint_every_commands", config.snapshots.checkpoint_every_commands),
    ] {
        if every != 0 {
            within(p, key, every, SNAPSHOT_EVERY);
        }
    }
    within(p, "retention.resend_hours", config.retention.resend_hours, 0..=1_000_000);
    within(p, "retention.quota_mib", config.retention.quota_mib, 0..=1 << 40);
    within(p, "retention.quota_warn_percent", config.retention.quota_warn_percent, 1..=100);
    gateway(&config.gateway, p);
    market_data(config, p);
    addresses(config, p);
    let logins = config.accounts.iter().map(|account| account.logins.len()).sum::<usize>();
    if config.gateway.connections_max <= logins {
        let reason = format!(
            "there are {logins} logins, and one more place is needed for a login that takes over from a dead connection"
        );
        p.add("gateway.connections_max", config.gateway.connections_max, reason);
    }
    let limits = config.exchange.limits();
    within(p, "exchange.orders_max", limits.orders_max, 1..=VenueLimits::ORDERS_MAX);
    within(p, "exchange.orders_touched_max", limits.orders_touched_max, VenueLimits::ORDERS_TOUCHED);
    within(p, "exchange.account_orders_max", limits.account_orders_max, 1..=u32::MAX);
    within(p, "exchange.account_triggers_max", limits.account_triggers_max, 1..=u32::MAX);
    within(p, "sql.batch_interval_ms", config.sql.batch_interval_ms, 1..=60_000);
    within(p, "sql.batch_events_max", config.sql.batch_events_max, 1..=10_000_000);
    if config.timers.tick_interval_ms != 0 {
        within(p, "timers.tick_interval_ms", config.timers.tick_interval_ms, TICK_INTERVAL_MS);
    }
    if config.sql.path.file_name().is_none() {
        p.add("sql.path", config.sql.path.display(), "must name a file");
    }
    let mut parts = config.sql.path.components().filter(|part| *part != Component::CurDir);
    let first = parts.next().map(Component::as_os_str);
    if let Some(taken) = TAKEN.iter().find(|taken| first == Some(OsStr::new(taken))) {
        let reason = format!("{taken} in the data directory is the engine's own; name another file");
        p.add("sql.path", quoted(&config.sql.path.display().to_string()), reason);
    }
    if let Some(tls) = &config.tls {
        within(p, "tls.handshakes_max", tls.handshakes_max, 1..=65_536);
        within(p, "tls.handshakes_per_address", tls.handshakes_per_address, 1..=65_536);
        within(p, "tls.connections_per_address", tls.connections_per_address, 1..=65_536);
        if tls.handshakes_per_address > tls.handshakes_max {
            let reason = format!("must not be above tls.handshakes_max = {}", tls.handshakes_max);
            p.add("tls.handshakes_per_address", tls.handshakes_per_address, reason);
        }
        for (key, file) in [("tls.certificate", &tls.certificate), ("tls.key", &tls.key)] {
            if *file == config.sql.path {
                p.add("sql.path", quoted(&file.display().to_string()), format!("is the file of {key} too"));
            }
        }
    }
    problems.0
}

fn shard_cores(config: &Config, p: &mut Problems) {
    for shard in config.shards.iter().filter(|_| config.engine.mode == ThreadingMode::Shared) {
        if let Some(core) = shard.core {
            let reason = "needs engine.mode = \"dedicated\": in shared mode all matchers have one thread";
            p.add(format!("shards[{}].core", shard.name), core, reason);
        }
    }
}

fn rings(config: &Config, p: &mut Problems) {
    let rings = [
        ("rings.inbound_slots", config.rings.inbound_slots),
        ("rings.command_slots", config.rings.command_slots),
        ("rings.event_slots", config.rings.event_slots),
    ];
    for (key, slots) in rings {
        if !slots.is_power_of_two() {
            let below = slots.checked_ilog2().map_or(1, |log| 1_usize << log);
            let reason = match below.checked_mul(2) {
                Some(above) => format!("must be a power of two; the nearest are {below} and {above}"),
                None => "must be a power of two".to_owned(),
            };
            p.add(key, slots, reason);
        } else {
            within(p, key, slots, RING_SLOTS);
        }
    }
    let busy = config.rings.busy_percent;
    if busy != 0 && !(10..=70).contains(&busy) {
        p.add("rings.busy_percent", busy, "must be 0, which turns it off, or from 10 to 70");
    }
}

fn gateway(gateway: &GatewaySection, p: &mut Problems) {
    if !is_alphanumeric(&gateway.session, 10) {
        p.add("gateway.session", quoted(&gateway.session), "must be 1 to 10 letters and digits (SoupBinTCP)");
    }
    within(p, "gateway.connections_max", gateway.connections_max, 1..=65_536);
    within(p, "gateway.login_timeout_ms", gateway.login_timeout_ms, TIMEOUT_MS);
    within(p, "gateway.heartbeat_interval_ms", gateway.heartbeat_interval_ms, TIMEOUT_MS);
    within(p, "gateway.client_timeout_ms", gateway.client_timeout_ms, TIMEOUT_MS);
    within(p, "gateway.stall_timeout_ms", gateway.stall_timeout_ms, TIMEOUT_MS);
    if gateway.client_timeout_ms <= gateway.heartbeat_interval_ms {
        let reason = format!(
            "must be above gateway.heartbeat_interval_ms = {}, or quiet clients are cut between two heartbeats",
            gateway.heartbeat_interval_ms
        );
        p.add("gateway.client_timeout_ms", gateway.client_timeout_ms, reason);
    }
    within(p, "gateway.packet_bytes_max", gateway.packet_bytes_max, 512..=32_766);
    within(p, "gateway.unanswered_max", gateway.unanswered_max, 2..=1 << 20);
    within(p, "gateway.messages_per_second", gateway.messages_per_second, 0..=10_000_000);
    if gateway.roll_at.is_some() && session_id(&gateway.session, ROLLS_MIN).is_none() {
        let reason =
            format!("must end in a number that can count {ROLLS_MIN} more sessions, for gateway.roll_at");
        p.add("gateway.session", quoted(&gateway.session), reason);
    }
    if gateway.tail_kib.is_power_of_two() {
        within(p, "gateway.tail_kib", gateway.tail_kib, 16..=1 << 20);
    } else {
        p.add("gateway.tail_kib", gateway.tail_kib, "must be a power of two");
    }
}

fn market_data(config: &Config, p: &mut Problems) {
    let market = &config.market_data;
    within(p, "market_data.connections_max", market.connections_max, 1..=65_536);
    within(p, "market_data.connections_per_user", market.connections_per_user, 1..=65_536);
    if market.tail_messages.is_power_of_two() {
        within(p, "market_data.tail_messages", market.tail_messages, 1024..=1 << 26);
    } else {
        p.add("market_data.tail_messages", market.tail_messages, "must be a power of two");
    }
    within(p, "market_data.behind_messages_max", market.behind_messages_max, 1_000..=1 << 48);
    within(p, "market_data.checkpoint_every_messages", market.checkpoint_every_messages, 100..=1 << 48);
    within(p, "market_data.segment_mib", market.segment_mib, SEGMENT_MIB);
    within(p, "market_data.spare_segments", market.spare_segments, SPARE_SEGMENTS);
    if let Some(group) = market.mold_group.filter(|group| !group.ip().is_multicast() || group.port() == 0) {
        let reason = "must be a multicast address (224.0.0.0 to 239.255.255.255) and a port";
        p.add("market_data.mold_group", quoted(&group.to_string()), reason);
    }
    within(p, "market_data.mold_requests_per_second", market.mold_requests_per_second, 1..=10_000_000);
    if market.mold_requests.is_some() && market.mold_group.is_none() {
        p.add("market_data.mold_requests", "set", "is of no use without market_data.mold_group");
    }
}

/// Two listeners cannot share one port of one address.
fn addresses(config: &Config, p: &mut Problems) {
    let market = &config.market_data;
    let market =
        [("market_data.listen", market.listen), ("market_data.glimpse_listen", market.glimpse_listen)]
            .into_iter()
            .filter(|_| market.enabled);
    let tls = config.tls.iter().map(|tls| ("tls.listen", tls.listen));
    let addresses: Vec<_> =
        [("gateway.listen", config.gateway.listen)].into_iter().chain(market).chain(tls).collect();
    for (at, (key, address)) in addresses.iter().enumerate() {
        if let Some((other, _)) = addresses[..at].iter().find(|(_, other)| collide(*other, *address)) {
            p.add(*key, quoted(&address.to_string()), format!("is the address of {other} too"));
        }
    }
}

/// Whether two listeners conflict. An unspecified address stands for every address of the machine.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (everywhere || one.ip() == other.ip())
}

/// The id of session `session`, counted from this first id.
fn session_id(first: &str, session: u32) -> Option<[u8; 10]> {
    let mut field = [b' '; 10];
    field.get_mut(..first.len())?.copy_from_slice(first.as_bytes());
    domain::session::session_id(field, session)
}
