//! Creates agents from configuration, files and clocks.

use super::placement::{AgentSlot, ThreadPlacement};
use super::settings;
use crate::config::{Config, InlineSync};
use crate::domain::{AddIndex, Command, Stamp};
use crate::net::Sockets;
use crate::net::auth::{AuthServer, Role};
use crate::recovery::DataDir;
use crate::replica::State;
use crate::ring::CursorReader;
use crate::runtime::{Clocks, Counters, Fatal, ThreadingMode};
use crate::stages::authenticator::{AuthPort, Authenticator};
use crate::stages::feed::{FeedFiles, FeedPorts, FeedPublisher, FeedSettings, FeedSockets, FeedStart};
use crate::stages::gateway::{Gateway, GatewayPorts, GatewayStart};
use crate::stages::journaler::{InlineJournaler, InlinePorts, Journaler, JournalerPorts};
use crate::stages::shadow::{Shadow, ShadowFiles, ShadowPorts};
use crate::stages::space::SpaceLow;
use crate::stages::sql_writer::SqlWriter;
use dojima_journal::Writer;
use std::sync::Arc;

/// What agents are created with, besides the ends that connect them.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) config: &'a Config,
    pub(super) data: &'a DataDir,
    pub(super) clocks: &'a dyn Clocks,
    pub(super) counters: &'a Counters,
    /// The commands that opened the venue.
    pub(super) opening: &'a [Command],
    /// The last command and the last event before this start.
    pub(super) last: Stamp,
    pub(super) last_event: u64,
}

impl Site<'_> {
    pub(super) fn gateway(
        self,
        placement: &mut ThreadPlacement,
        sockets: Box<dyn Sockets>,
        ports: GatewayPorts,
        start: GatewayStart,
        indexes: &[AddIndex],
    ) -> Result<Gateway, Fatal> {
        let settings = settings::gateway(self.config, self.opening, indexes)?;
        let clock = self.clocks.monotonic();
        let gateway = Gateway::new(settings, sockets, ports, start, clock, self.counters)?;
        placement.watch_sockets(&gateway)?;
        Ok(gateway)
    }

    /// The authenticator of order entry, market data and market-data snapshots.
    pub(super) fn authenticator(
        self,
        placement: &ThreadPlacement,
        servers: [AuthServer; 3],
    ) -> Result<Authenticator, Fatal> {
        let [order_entry, subscribers, snapshots] = servers;
        let market_port = |server| AuthPort {
            server,
            roles: vec![Role::MarketData, Role::Trade, Role::Admin],
            service: "market data",
            downstream: placement.bells(AgentSlot::Authenticator, &[AgentSlot::Feed]),
        };
        let ports = vec![
            AuthPort {
                server: order_entry,
                roles: vec![Role::Trade, Role::DropCopy, Role::Index],
                service: "order entry",
                downstream: placement.bells(AgentSlot::Authenticator, &[AgentSlot::Gateway]),
            },
            market_port(subscribers),
            market_port(snapshots),
        ];
        let (users, files) = (settings::users(self.config, self.opening)?, Arc::clone(self.data.root()));
        let clocks = (self.clocks.monotonic(), self.clocks.wall());
        Ok(Authenticator::new(ports, users, Some(files), clocks, placement.hasher()?, self.counters))
    }

    /// The journaler and, if the hot thread may do its work, the inline journaler.
    pub(super) fn journaler(
        self,
        journal: Writer,
        ports: JournalerPorts,
        inline: InlinePorts,
    ) -> (Journaler, Option<InlineJournaler>) {
        let (config, clock) = (self.config, || self.clocks.monotonic());
        let journaler = Journaler::new(ports, journal, settings::journaler(config), clock(), self.counters);
        let is_inline =
            config.engine.inline_sync == InlineSync::Auto && config.engine.mode != ThreadingMode::Dedicated;
        let inline = is_inline.then(|| journaler.inline(inline, clock(), self.counters));
        (journaler, inline)
    }

    pub(super) fn sql(
        self,
        synced: &CursorReader,
        archived: &CursorReader,
    ) -> Result<Option<SqlWriter>, Fatal> {
        if !self.config.sql.enabled {
            return Ok(None);
        }
        let settings = settings::sql(self.config, self.data, self.opening);
        let log = Arc::clone(self.data.event_log());
        let writer = SqlWriter::new(settings, log, self.clocks, self.counters)?;
        Ok(Some(writer.behind(synced.clone()).trusting(archived.clone())))
    }

    pub(super) fn feed(
        self,
        placement: &mut ThreadPlacement,
        settings: FeedSettings,
        ports: FeedPorts,
        sockets: Option<FeedSockets>,
        start: FeedStart,
    ) -> Result<FeedPublisher, Fatal> {
        let files = FeedFiles {
            event_log: Arc::clone(self.data.event_log()),
            market_data: Arc::clone(self.data.market_data()),
        };
        let clock = self.clocks.monotonic();
        let feed = FeedPublisher::new(settings, files, ports, sockets, start, clock, self.counters)?;
        placement.watch_feed(&feed)?;
        Ok(feed)
    }

    pub(super) fn shadow(
        self,
        ports: ShadowPorts,
        quota: SpaceLow,
        replica: State,
        last_snapshot: u64,
    ) -> Result<Shadow, Fatal> {
        let files = ShadowFiles {
            journal: Arc::clone(self.data.journal()),
            event_log: Arc::clone(self.data.event_log()),
            snapshots: Arc::clone(self.data.snapshots()),
        };
        let settings = settings::shadow(self.config, self.data, quota, self.counters);
        let clock = self.clocks.monotonic();
        Shadow::new(ports, files, settings, replica, last_snapshot, clock, self.counters)
    }
}
