//! Settings of the timer.

use super::settings::{Known, first_session};
use crate::config::{self, Config, IndexConfig, TimeOfDay};
use crate::domain::streams::StreamIndex;
use crate::domain::{AddIndex, Listing, Listings, OrderPrice, Symbol, decimal};
use crate::runtime::{Fatal, UnixNanos};
use crate::stages::timer::{FixedIndex, Roll, Schedule, ScheduleEntry, TimerSettings};
use dojima_journal::storage::Storage;
use dojima_journal::{JournalError, Reader};
use std::sync::Arc;
use std::time::Duration;

/// Settings of the timer; `None` if it has nothing to do. Schedules and fixed prices come from the present
/// configuration, for the instruments and indexes in the journal.
///
/// # Errors
/// [`Fatal::EventLog`] if the event log cannot be read to find when the session began.
pub(super) fn timer(
    config: &Config,
    listings: &Listings,
    streams: &StreamIndex,
    log: &Arc<dyn Storage>,
    known: &Known,
) -> Result<Option<TimerSettings>, Fatal> {
    let interval = config.timers.tick_interval_ms;
    let tick_interval = (interval > 0).then(|| Duration::from_millis(interval));
    let of = |instrument: &config::InstrumentConfig| {
        let listing = listings.get(listings.find(Symbol::new(&instrument.symbol)?)?)?;
        let entries = instrument.schedule.iter().map(|entry| ScheduleEntry {
            second_of_day: entry.time.0,
            days: entry.day_bits(),
            phase: entry.phase,
        });
        Some(Schedule {
            instrument: listing.instrument,
            symbol: listing.symbol,
            found: listing.phase,
            entries: entries.collect(),
        })
    };
    let with_hours = config.instruments.iter().filter(|instrument| !instrument.schedule.is_empty());
    let mut schedules: Vec<Schedule> = with_hours.filter_map(of).collect();
    schedules.sort_unstable_by_key(|schedule| schedule.instrument);
    let roll = match config.gateway.roll_at {
        Some(TimeOfDay(second_of_day)) => {
            Some(Roll { second_of_day, began: session_began(streams, log)?, first: first_session(config)? })
        }
        None => None,
    };
    let indexes = fixed_indexes(&config.indexes, &known.indexes);
    let anything = tick_interval.is_some() || !schedules.is_empty() || roll.is_some() || !indexes.is_empty();
    Ok(anything.then_some(TimerSettings { tick_interval, schedules, roll, indexes }))
}

/// When the present session began: the oldest first message of all streams, because some streams may have restarted
/// since. The distant past if that message is no longer kept; never if there are no logins.
fn session_began(streams: &StreamIndex, log: &Arc<dyn Storage>) -> Result<UnixNanos, Fatal> {
    let Some(first) = streams.beginnings().min() else { return Ok(UnixNanos(u64::MAX)) };
    let mut reader = match Reader::open_segment_of(Arc::clone(log), first) {
        Ok(reader) => reader,
        Err(JournalError::Gone { .. }) => return Ok(UnixNanos(0)),
        Err(error) => return Err(Fatal::event_log(error)),
    };
    while let Some(record) = reader.next().map_err(Fatal::event_log)? {
        if record.sequence == first {
            return Ok(UnixNanos(record.time_ns));
        }
    }
    Ok(UnixNanos(0))
}

/// The fixed prices of indexes that are in the journal, in its decimals.
fn fixed_indexes(configs: &[IndexConfig], known: &[AddIndex]) -> Vec<FixedIndex> {
    let fixed = |index: &AddIndex| {
        let config = configs.iter().find(|config| Symbol::new(&config.symbol) == Some(index.symbol))?;
        let price = config.fixed_price?;
        let stale_after = Duration::from_millis(u64::from(index.terms.stale_after_ms));
        let units = match decimal::price_units(price, index.price_decimals) {
            Ok(OrderPrice::Limit(units)) if (1..Listing::PRICE_END as i64).contains(&units) => {
                u32::try_from(units).ok()
            }
            Ok(OrderPrice::Limit(_) | OrderPrice::Market) | Err(_) => None,
        };
        let fixed = units.map(|units| FixedIndex::new(index.index, units, stale_after));
        if fixed.is_none() {
            let (symbol, decimals) = (&config.symbol, index.price_decimals);
            tracing::warn!(
                "indexes[{symbol}].fixed_price = {price} is not sent: it is no price with the {decimals} decimals that the \
                 journal says"
            );
        }
        fixed
    };
    known.iter().filter_map(fixed).collect()
}
