//! Compares the result of a replay with the recording.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::journal::concerns::Concerns;
use crate::journal::entry::{Content, Entry, Value};
use crate::journal::lines::{Show, line};
use crate::journal::names::Names;
use crate::journal::source::Source;
use anyhow::Context;
use dojima::cli::{print, show};
use dojima::domain::{
    AdminCommand, ClockCommand, Command, ContractCommand, Event, EventRecord, Instructions, OrderCommand,
    OwnerCommand, Stamp, TimeInForce, Timestamp, VenueCommand, VenueEvent,
};
use dojima::exchange::Digest;
use dojima::recovery::DataDir;
use dojima::replica::State;
use dojima_journal::Reader;
use std::convert::Infallible;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The commands that were replayed.
pub(super) struct Played {
    /// Commands of the opening.
    pub(super) opening: u64,
    /// Commands after the opening.
    pub(super) commands: u64,
    /// Checkpoint commands in the recording, which are not replayed: the new engine writes its own.
    pub(super) checkpoints: u64,
    /// Time from the first command until all were durable and their events logged.
    pub(super) elapsed: Duration,
    /// Time that the recorded engine took from the first to the last of these commands.
    pub(super) recorded: Duration,
    /// The longest delay of a command after it was due.
    pub(super) late_max: Duration,
}

/// The events of the replay compared with those of the recorded commands.
pub(super) struct Outcome {
    /// Digest of the state after the recorded commands.
    recorded_digest: Digest,
    /// Number of events that are the same except for times.
    same: u64,
    /// The first event that differs.
    difference: Option<Difference>,
    /// Number of recorded commands whose result depends on time.
    timed: u64,
}

/// The two differing events as text lines.
struct Difference {
    /// Sequence of the recorded event's command.
    command: u64,
    recorded: String,
    replayed: String,
}

fn shown(event: Option<EventRecord>, names: &Names) -> String {
    let Some(record) = event else { return "nothing".to_owned() };
    let entry = Entry::of_event(record);
    line(&entry, &Concerns::of(&entry, names), names, Show::Content).trim_start().to_owned()
}

/// Checkpoints belong to the engine, not to the market.
fn is_of_the_market(event: &Event) -> bool {
    !matches!(event, Event::Venue(VenueEvent::Checkpointed(_)))
}

impl Outcome {
    /// Applies the recorded commands with their recorded stamps to an exchange, and compares its events with the new event
    /// log.
    pub(super) fn compare(source: &Source, last: u64, replayed: &DataDir) -> anyhow::Result<Self> {
        let mut state = State::empty();
        let mut log = EventLog(Reader::open_storage(Arc::clone(replayed.event_log()), 1)?);
        let (mut same, mut timed, mut difference) = (0, 0, None);
        let mut recorded = source.reader(1)?;
        let mut events = Vec::new();
        // The names in the commands are used to print the events.
        let mut names = source.names();
        while let Some(record) = recorded.next()?.filter(|record| record.sequence <= last) {
            let entry = source.decode(&record)?;
            let Value::Command(command) = entry.value else { continue };
            names.note(&entry);
            timed += u64::from(depends_on_time(&command));
            let stamp = Stamp { sequence: record.sequence, time: Timestamp(record.time_ns) };
            events.clear();
            let Ok(()) = state.apply(stamp, &command, &mut |record: &EventRecord| {
                events.push(*record);
                Ok::<(), Infallible>(())
            });
            for record in events.iter().filter(|record| is_of_the_market(&record.event)) {
                if difference.is_some() {
                    break;
                }
                let replayed = log.next()?;
                if replayed.is_some_and(|replayed| replayed.event == record.event) {
                    same += 1;
                } else {
                    let command = stamp.sequence;
                    let (recorded, replayed) = (shown(Some(*record), &names), shown(replayed, &names));
                    difference = Some(Difference { command, recorded, replayed });
                }
            }
        }
        if difference.is_none()
            && let Some(more) = log.next()?
        {
            let (recorded, replayed) = (shown(None, &names), shown(Some(more), &names));
            difference = Some(Difference { command: state.last.sequence, recorded, replayed });
        }
        Ok(Self { recorded_digest: state.shards.digest(), same, difference, timed })
    }
}

/// The events of the replay.
struct EventLog(Reader);

impl EventLog {
    fn next(&mut self) -> anyhow::Result<Option<EventRecord>> {
        while let Some(record) = self.0.next()? {
            let decoded = dojima::domain::codec::decode_event(record.payload);
            let event = decoded.context("the replay's event log cannot be read")?;
            if is_of_the_market(&event.event) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}

/// Whether the command's result may depend on time.
fn depends_on_time(command: &Command) -> bool {
    let timed = |time_in_force: TimeInForce, instructions: &Option<Instructions>| {
        time_in_force == TimeInForce::GoodTillTime
            || instructions.is_some_and(|instructions| instructions.book_by.0 > 0)
    };
    match command {
        Command::Order(OrderCommand::Enter(enter)) => timed(enter.time_in_force, &enter.instructions),
        Command::Order(OrderCommand::Replace(replace)) => timed(replace.time_in_force, &replace.instructions),
        // Prices of an index are taken by their age, an expiry lies ahead, and a stale index keeps money in its pot.
        Command::Contract(ContractCommand::SetIndex(_) | ContractCommand::SetContract(_))
        | Command::Owner(OwnerCommand::MoveMargin(_)) => true,
        // Order rates, trading interruptions and 30-day volumes depend on the clock.
        Command::Admin(AdminCommand::SetOrderLimits { limits, .. }) => limits.orders_per_second_max > 0,
        Command::Admin(AdminCommand::SetProtection { protection, .. }) => protection.interruption_s > 0,
        Command::Admin(AdminCommand::SetVolumeTiers(_)) => true,
        Command::Admin(
            AdminCommand::AddAsset { .. }
            | AdminCommand::ListInstrument(_)
            | AdminCommand::SetPhase { .. }
            | AdminCommand::Deposit(_)
            | AdminCommand::Withdraw(_)
            | AdminCommand::SetMark { .. }
            | AdminCommand::Delist { .. }
            | AdminCommand::SetTerms(_)
            | AdminCommand::SetFees(_)
            | AdminCommand::SetAsset(_)
            | AdminCommand::SetSelfTrade(_)
            | AdminCommand::AssignTier { .. }
            | AdminCommand::Kill { .. }
            | AdminCommand::TransferIn(_),
        )
        | Command::Venue(
            VenueCommand::OpenAccount { .. }
            | VenueCommand::OpenShard { .. }
            | VenueCommand::OpenLogin { .. }
            | VenueCommand::Open { .. }
            | VenueCommand::SetLimits { .. }
            | VenueCommand::Checkpoint(_)
            | VenueCommand::SetRules { .. }
            | VenueCommand::RollSession { .. }
            | VenueCommand::CopyAccount { .. }
            | VenueCommand::ResetUserRef { .. }
            | VenueCommand::Lead { .. },
        )
        | Command::Order(
            OrderCommand::RefuseEnter(_)
            | OrderCommand::RefuseReplace(_)
            | OrderCommand::Cancel(_)
            | OrderCommand::Amend(_)
            | OrderCommand::CancelOrder { .. }
            | OrderCommand::MassCancel(_)
            | OrderCommand::Modify(_)
            | OrderCommand::QueryAccount(_)
            | OrderCommand::SetOrderEntry(_)
            | OrderCommand::NameOrder(_)
            | OrderCommand::CancelLogin { .. }
            | OrderCommand::TransferOut(_)
            | OrderCommand::SendIndex(_)
            | OrderCommand::QueryWallet(_),
        )
        | Command::Contract(
            ContractCommand::AddIndex(_)
            | ContractCommand::SetIndexTerms { .. }
            | ContractCommand::SetContractRisk(_)
            | ContractCommand::SetMarginTier(_)
            | ContractCommand::DepositFund(_)
            | ContractCommand::SettleContract { .. },
        )
        | Command::Owner(
            OwnerCommand::SetPositionMode(_) | OwnerCommand::SetMarginMode(_) | OwnerCommand::SetLeverage(_),
        )
        | Command::Clock(ClockCommand::Tick) => false,
    }
}

/// The contents of the report.
pub(super) struct Report {
    pub(super) played: Played,
    /// Time from the last command until the engine, including SQL, had stopped.
    pub(super) settled_in: Duration,
    pub(super) sql_complete: bool,
    pub(super) digest: Digest,
    pub(super) outcome: Outcome,
}

impl Report {
    /// Whether the replay produced the recorded events.
    pub(super) fn is_same(&self) -> bool {
        self.outcome.difference.is_none()
    }

    pub(super) fn print(&self, source: &Source, kept: Option<&Path>) -> io::Result<()> {
        let Self { played, outcome, .. } = self;
        let mut rows = Vec::new();
        let mut row = |name: &'static str, value: String| rows.push((name, value));
        row("replayed", source.dir().display().to_string());
        let commands = show::thousands(played.commands);
        row("commands", format!("{commands} after {} that opened the venue", played.opening));
        if played.checkpoints > 0 {
            row(
                "left out",
                format!("{}: an engine writes its own", show::count(played.checkpoints, "checkpoint")),
            );
        }
        row("elapsed", format!("{}, until all was durable and logged", show::duration(played.elapsed)));
        row("rate", show::rate(played.commands, played.elapsed));
        let recorded = show::rate(played.commands, played.recorded);
        row("as recorded", format!("{recorded}, in {}", show::duration(played.recorded)));
        if played.late_max > Duration::ZERO {
            row("late", format!("{} at most", show::duration(played.late_max)));
        }
        let sql = if self.sql_complete { "with all of it" } else { "without SQL having caught up" };
        row("stopped", format!("after {} more, {sql}", show::duration(self.settled_in)));
        if let Some(kept) = kept {
            row("kept in", kept.display().to_string());
        }
        let same = show::count(outcome.same, Content::Events.singular());
        match &outcome.difference {
            None => row("events", format!("{same}, all as recorded, times apart")),
            Some(_) => row("events", format!("the first {same} as recorded, times apart; then they differ")),
        }
        row("digest", self.digest.to_string());
        match self.digest == outcome.recorded_digest {
            true => row("as recorded", "the same".to_owned()),
            false => row("recorded", outcome.recorded_digest.to_string()),
        }
        let mut out = print::stdout();
        show::rows(&mut out, 11, rows)?;
        if let Some(difference) = &outcome.difference {
            writeln!(out, "\nThe first difference comes of recorded command {}:", difference.command)?;
            writeln!(out, "  recorded  {}", difference.recorded)?;
            writeln!(out, "  replayed  {}", difference.replayed)?;
            writeln!(out, "{}", show::wrapped(&self.why(), 0))?;
        }
        out.flush()
    }

    /// The possible reason for different events.
    fn why(&self) -> String {
        let timed = self.outcome.timed;
        if timed > 0 {
            let (commands, asks) =
                (show::count(timed, "recorded command"), if timed == 1 { "asks" } else { "ask" });
            return format!(
                "{commands} {asks} for something that depends on the time (good-till-time, book-by, rates, \
                 interruptions, volume tiers, prices of indexes, expiries), and a replay has its own time; `dojima replay` applies the commands with \
                 their recorded times."
            );
        }
        "No recorded command depends on the time. A day order at a close or a refusal for want of disk space may still differ; \
         else this program does not match as the one that recorded the journal did."
            .to_owned()
    }
}
