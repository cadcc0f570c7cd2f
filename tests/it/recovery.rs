//! The rows of the recovery table in docs/RECOVERY.md that concern journal and event log, each from files made for
//! it. (Damage to the journal itself is the journal crate's, in `journal/tests/it`; SQL is in `persister/trouble.rs`.)

use crate::support::commands::Commands;
use crate::support::engines::logged_events;
use dojima::config::Config;
use dojima::domain::{Command, EventRecord, RejectReason, Stamp, Timestamp, VenueCommand, codec};
use dojima::exchange::Digest;
use dojima::recovery::{
    AHEAD_MAX, BEHIND_MAX, DataDir, ImplausibleClock, Proof, Recovered, RecoveryError, RecoverySettings,
    recover,
};
use dojima::replica::{Snapshots, State};
use dojima_journal::{Content, Durability, JournalError, Options, Verdict, Writer, scan};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const COMMANDS: usize = 400;

fn opening() -> Vec<Command> {
    Config::spot().opening_commands().expect("a valid venue")
}

/// Segments are made when they are needed, so that no thread is about when files are changed under a dropped writer.
fn options(content: Content) -> Options {
    Options::default().with_segment_bytes(64 * 1024).with_spare_segments(0).with_content(content)
}

fn settings() -> RecoverySettings {
    RecoverySettings {
        journal: options(DataDir::COMMANDS),
        event_log: options(DataDir::EVENTS),
        opening: opening(),
        now: Timestamp(1_000),
        implausible_clock: ImplausibleClock::Refuse,
        proofs: Vec::new(),
    }
}

/// A data directory that is being made.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary directory") }
    }

    fn data(&self) -> DataDir {
        DataDir::new(self.folder.path())
    }

    fn recover(&self) -> Result<Recovered, RecoveryError> {
        recover(&self.data(), &settings(), &mut |_| {})
    }

    /// In async mode, in which a loss of power may leave less of the journal than of the event log.
    fn recover_async(&self) -> Result<Recovered, RecoveryError> {
        let journal = settings().journal.with_durability(Durability::Async);
        recover(&self.data(), &RecoverySettings { journal, ..settings() }, &mut |_| {})
    }

    fn journal(&self) -> Writer {
        writer(self.data().journal().dir(), DataDir::COMMANDS)
    }

    fn event_log(&self) -> Writer {
        writer(self.data().event_log().dir(), DataDir::EVENTS)
    }

    fn logged(&self) -> Vec<EventRecord> {
        logged_events(self.folder.path())
    }
}

fn writer(dir: &Path, content: Content) -> Writer {
    scan(dir).expect("can be scanned").into_writer(options(content)).expect("can be written")
}

fn append_commands(journal: &mut Writer, commands: &[Command]) {
    for command in commands {
        let mut payload = [0; codec::ENCODED_LEN_MAX];
        let len = codec::encode_command(command, &mut payload).expect("fits");
        let sequence = journal.next_sequence();
        journal.append(sequence, 1_000, &payload[..len]).expect("appended");
    }
    journal.sync().expect("synced");
}

fn append_events(log: &mut Writer, events: &[EventRecord]) {
    for event in events {
        let mut payload = [0; codec::ENCODED_LEN_MAX];
        let len = codec::encode_event(event, &mut payload).expect("fits");
        log.append(event.number, event.time.0, &payload[..len]).expect("appended");
    }
}

/// Commands with an opening before them, their events, and the state after each of them.
struct History {
    commands: Vec<Command>,
    events: Vec<EventRecord>,
    /// By number of commands applied: how many events there were, and the digest.
    after: Vec<(usize, Digest)>,
}

impl History {
    fn new(seed: u64) -> Self {
        let commands: Vec<Command> =
            opening().into_iter().chain(Commands::new(seed).take(COMMANDS)).collect();
        let mut state = State::empty();
        let mut events = Vec::new();
        let mut after = vec![(0, state.shards.digest())];
        for (at, command) in commands.iter().enumerate() {
            let stamp = Stamp { sequence: at as u64 + 1, time: Timestamp(1_000) };
            let taken: Result<(), ()> = state.apply(stamp, command, &mut |event| {
                events.push(*event);
                Ok(())
            });
            taken.expect("events are taken");
            after.push((events.len(), state.shards.digest()));
        }
        Self { commands, events, after }
    }

    /// Holds a recovered engine, and its event log, against the first `commands` of this history.
    fn assert_recovered(&self, place: &Place, recovered: Recovered, commands: usize) {
        let (events, digest) = self.after[commands];
        let State { shards, last, last_event, .. } = recovered.state;
        assert_eq!((last.sequence, last_event), (commands as u64, events as u64));
        assert_eq!(shards.digest(), digest);
        assert_eq!(recovered.journal.next_sequence(), commands as u64 + 1);
        assert_eq!(recovered.event_log.next_sequence(), events as u64 + 1);
        assert!(place.logged() == self.events[..events], "the event log is what the replay says");
    }
}

#[test]
fn an_empty_directory_becomes_an_open_venue() {
    let (place, history) = (Place::new(), History::new(1));
    let recovered = place.recover().expect("recovered");
    assert_eq!(recovered.report.verdict, Verdict::Empty);
    assert_eq!((recovered.report.commands, recovered.report.opening_commands), (0, opening().len() as u64));
    history.assert_recovered(&place, recovered, opening().len());

    let again = place.recover().expect("recovered");
    assert_eq!(again.report.verdict, Verdict::Unsealed);
    assert_eq!((again.report.commands, again.report.opening_commands), (opening().len() as u64, 0));
    history.assert_recovered(&place, again, opening().len());
}

#[test]
fn an_interrupted_opening_is_finished() {
    let history = History::new(1);
    for done in 0..opening().len() {
        let place = Place::new();
        append_commands(&mut place.journal(), &opening()[..done]);
        // The events of some of them may have been logged.
        append_events(&mut place.event_log(), &history.events[..done / 2]);
        let recovered = place.recover().expect("recovered");
        assert_eq!(recovered.report.opening_commands, (opening().len() - done) as u64);
        history.assert_recovered(&place, recovered, opening().len());
    }
}

#[test]
fn an_interrupted_opening_of_another_configuration_is_refused() {
    let place = Place::new();
    let mut commands = opening()[..3].to_vec();
    commands.reverse();
    append_commands(&mut place.journal(), &commands);
    let refused = place.recover().expect_err("refused");
    assert!(matches!(refused, RecoveryError::OpeningChanged { journaled: 3, .. }), "{refused}");
    assert_eq!(scan(place.data().journal().dir()).expect("scanned").records(), 3, "nothing was added");
}

#[test]
fn an_opening_that_would_be_refused_is_not_journaled() {
    let place = Place::new();
    let mut settings = settings();
    settings.opening.insert(3, settings.opening[2]);
    let refused = recover(&place.data(), &settings, &mut |_| {}).expect_err("refused");
    let RecoveryError::OpeningRefused { number: 4, reason } = refused else { panic!("{refused}") };
    assert_eq!(reason, RejectReason::IdNotNext);
    assert_eq!(scan(place.data().journal().dir()).expect("scanned").records(), 0);
}

#[test]
fn an_event_log_that_is_behind_is_brought_up() {
    let history = History::new(2);
    let all = history.events.len();
    for logged in [0, 1, all / 2, all - 1, all] {
        let place = Place::new();
        append_commands(&mut place.journal(), &history.commands);
        append_events(&mut place.event_log(), &history.events[..logged]);
        let recovered = place.recover().expect("recovered");
        assert_eq!(recovered.report.events_logged, (all - logged) as u64);
        assert_eq!(recovered.report.events_cut, 0);
        history.assert_recovered(&place, recovered, history.commands.len());
    }
}

#[test]
fn an_event_log_that_is_ahead_is_cut() {
    let history = History::new(3);
    let all = history.commands.len();
    for journaled in [opening().len(), all / 2, all - 1] {
        let place = Place::new();
        append_commands(&mut place.journal(), &history.commands[..journaled]);
        append_events(&mut place.event_log(), &history.events);
        let recovered = place.recover_async().expect("recovered");
        let (events, _) = history.after[journaled];
        assert_eq!(recovered.report.events_cut, (history.events.len() - events) as u64);
        history.assert_recovered(&place, recovered, journaled);
    }
}

/// In sync mode its events prove what was acknowledged.
#[test]
fn a_journal_that_ends_before_what_was_durable_is_refused() {
    let history = History::new(3);
    let all = history.commands.len();
    let place = Place::new();
    append_commands(&mut place.journal(), &history.commands[..all / 2]);
    append_events(&mut place.event_log(), &history.events);
    let cut = |refused: RecoveryError| match refused {
        RecoveryError::JournalCut { last, sequence, is_event_log, .. } => (last, sequence, is_event_log),
        other => panic!("{other}"),
    };
    let refused = place.recover().expect_err("acknowledged commands are missing");
    assert!(refused.to_string().contains("start once with --durability async"), "{refused}");
    let last_event = history.events.last().expect("there are events").sequence;
    assert_eq!(cut(refused), (all as u64 / 2, last_event, true));
    assert!(place.logged() == history.events, "nothing was changed");
    // Whatever else says so counts in every mode.
    let (half, more) = (all as u64 / 2, all as u64 / 2 + 1);
    let proved = |sequence| {
        let proofs = vec![Proof { path: "dojima.sqlite".into(), sequence }];
        let journal = settings().journal.with_durability(Durability::Async);
        recover(&place.data(), &RecoverySettings { proofs, journal, ..settings() }, &mut |_| {})
    };
    assert_eq!(cut(proved(more).expect_err("refused")), (half, more, false));
    history.assert_recovered(&place, proved(half).expect("as far as the journal goes"), all / 2);
}

#[test]
fn an_event_log_that_says_something_else_is_refused() {
    let history = History::new(4);
    let place = Place::new();
    append_commands(&mut place.journal(), &history.commands);
    let mut events = history.events.clone();
    let last = events.last_mut().expect("there are events");
    last.time = Timestamp(last.time.0 + 1);
    append_events(&mut place.event_log(), &events);
    let refused = place.recover().expect_err("refused");
    let number = events.len() as u64;
    assert!(matches!(refused, RecoveryError::EventLogDiverged { number: n, .. } if n == number), "{refused}");
    assert!(place.logged() == events, "it is left as it was");

    fs::remove_dir_all(place.data().event_log().dir()).expect("moved away");
    history.assert_recovered(&place, place.recover().expect("recovered"), history.commands.len());
}

#[test]
fn an_event_log_that_is_ahead_and_of_another_history_is_refused() {
    let (history, other) = (History::new(3), History::new(8));
    let place = Place::new();
    let journaled = history.commands.len() / 2;
    append_commands(&mut place.journal(), &history.commands[..journaled]);
    append_events(&mut place.event_log(), &other.events);
    let differs = history.events.iter().zip(&other.events).position(|(one, other)| one != other);
    let number = differs.expect("they differ") as u64 + 1;
    let refused = place.recover_async().expect_err("refused");
    assert!(matches!(refused, RecoveryError::EventLogDiverged { number: n, .. } if n == number), "{refused}");
    assert!(place.logged() == other.events, "it is left as it was");
}

#[test]
fn a_torn_tail_is_cut_and_its_events_with_it() {
    let history = History::new(5);
    let (place, kept) = (Place::new(), history.commands.len() - 1);
    append_commands(&mut place.journal(), &history.commands[..kept]);
    let end = scan(place.data().journal().dir()).expect("scanned");
    let segment = end.segments().last().expect("a segment").clone();
    append_commands(&mut place.journal(), &history.commands[kept..]);
    append_events(&mut place.event_log(), &history.events);
    // Damage to the last record of all, which no later record says was synced.
    let mut bytes = fs::read(&segment.file).expect("readable");
    bytes[segment.bytes as usize + 40] ^= 1;
    fs::write(&segment.file, bytes).expect("written");
    let recovered = place.recover_async().expect("recovered");
    assert!(matches!(recovered.report.verdict, Verdict::TornTail { .. }), "{:?}", recovered.report.verdict);
    history.assert_recovered(&place, recovered, kept);
}

/// Flips a bit of the byte at `offset` in the first segment of a journal or event log.
fn damage(dir: &Path, offset: usize) {
    let file = scan(dir).expect("scanned").segments()[0].file.clone();
    let mut bytes = fs::read(&file).expect("readable");
    bytes[offset] ^= 1;
    fs::write(&file, bytes).expect("written");
}

#[test]
fn a_damaged_event_log_is_made_whole_from_the_journal() {
    let (place, history) = (Place::new(), History::new(6));
    append_commands(&mut place.journal(), &history.commands);
    append_events(&mut place.event_log(), &history.events);
    damage(place.data().event_log().dir(), 5_000);
    let recovered = place.recover().expect("recovered");
    assert!(recovered.report.events_logged > 0, "something was lost");
    history.assert_recovered(&place, recovered, history.commands.len());
}

#[test]
fn a_sealed_event_log_that_is_damaged_is_refused() {
    let (place, history) = (Place::new(), History::new(7));
    append_commands(&mut place.journal(), &history.commands);
    let mut log = place.event_log();
    append_events(&mut log, &history.events);
    log.seal().expect("sealed");
    damage(place.data().event_log().dir(), 5_000);
    let refused = place.recover().expect_err("refused");
    let RecoveryError::EventLog(JournalError::Damaged { file, .. }) = &refused else { panic!("{refused}") };
    assert!(file.starts_with(place.data().event_log().dir()), "{refused}");
}

#[test]
fn a_record_that_is_no_command_is_named() {
    let place = Place::new();
    let mut journal = place.journal();
    append_commands(&mut journal, &opening()[..2]);
    journal.append(3, 1_000, &[0xFF; 8]).expect("appended");
    drop(journal);
    let refused = place.recover().expect_err("refused");
    assert!(matches!(refused, RecoveryError::Decode { sequence: 3, .. }), "{refused}");
}

#[test]
fn a_directory_in_use_is_refused() {
    let place = Place::new();
    let first = place.recover().expect("recovered");
    let refused = place.recover().expect_err("refused");
    assert!(matches!(refused, RecoveryError::Journal(JournalError::Locked { .. })), "{refused}");
    drop(first);
    place.recover().expect("free again");
}

#[test]
fn a_directory_is_in_use_until_sql_has_ended_too() {
    let place = Place::new();
    // As in an orderly stop: journal and event log are sealed, and the SQL writer still reads the event log.
    let Recovered { journal, event_log, lock, .. } = place.recover().expect("recovered");
    journal.seal().expect("sealed");
    event_log.seal().expect("sealed");
    let refused = place.recover().expect_err("refused");
    assert!(matches!(refused, RecoveryError::Journal(JournalError::Locked { .. })), "{refused}");
    drop(lock);
    place.recover().expect("free again");
}

#[test]
fn a_directory_in_use_is_not_even_looked_at() {
    let place = Place::new();
    let first = place.recover().expect("recovered");
    // What another engine is just writing can look like anything.
    damage(place.data().journal().dir(), dojima_journal::layout::MAGIC_AT);
    let refused = place.recover().expect_err("refused");
    assert!(matches!(refused, RecoveryError::Journal(JournalError::Locked { .. })), "{refused}");
    drop(first);
}

#[test]
fn a_clock_that_contradicts_the_journal_is_refused_and_nothing_is_changed() {
    const LAST: Timestamp = Timestamp(1_800_000_000 * Timestamp::SECOND);
    let place = Place::new();
    let start = |now: u64, implausible_clock| {
        recover(
            &place.data(),
            &RecoverySettings { now: Timestamp(now), implausible_clock, ..settings() },
            &mut |_| {},
        )
    };
    drop(start(LAST.0, ImplausibleClock::Refuse).expect("a first start may be at any time"));
    for with_snapshot in [false, true] {
        let found = fs::read(first_segment(&place)).expect("readable");
        for now in [0, LAST.0 - BEHIND_MAX.as_nanos() as u64 - 1, LAST.0 + AHEAD_MAX.as_nanos() as u64 + 1] {
            let refused = start(now, ImplausibleClock::Refuse).expect_err("refused");
            assert!(
                matches!(&refused, RecoveryError::ImplausibleClock { now: told, last } if (told.0, *last) == (now, LAST)),
                "{refused}"
            );
            assert_eq!(
                fs::read(first_segment(&place)).expect("readable"),
                found,
                "with a snapshot: {with_snapshot}"
            );
        }
        for now in [LAST.0 - BEHIND_MAX.as_nanos() as u64, LAST.0 + AHEAD_MAX.as_nanos() as u64] {
            drop(start(now, ImplausibleClock::Refuse).expect("plausible"));
        }
        let accepted = start(0, ImplausibleClock::Accept).expect("accepted");
        assert_eq!(accepted.state.last.time, LAST);
        let digest = accepted.state.shards.digest();
        Snapshots::new(Arc::clone(place.data().snapshots())).save(&accepted.state, digest).expect("saved");
    }
}

fn first_segment(place: &Place) -> std::path::PathBuf {
    crate::cli::first_segment(place.folder.path(), "journal")
}

/// A restart takes the epoch from the commands; the segments that are begun after it say so, and the event log's say nothing.
#[test]
fn segments_that_are_begun_after_a_restart_are_of_the_epoch_that_was_recovered() {
    let place = Place::new();
    let fill = |journal: &mut Writer| append_commands(journal, &vec![Command::default(); 2_000]);
    let mut recovered = place.recover().expect("a new venue");
    append_commands(&mut recovered.journal, &[Command::Venue(VenueCommand::Lead { epoch: 3, node: 1 })]);
    fill(&mut recovered.journal);
    drop(recovered);
    for _ in 0..2 {
        let mut recovered = place.recover().expect("recovers");
        assert_eq!(recovered.state.shards.first().epoch(), 3);
        fill(&mut recovered.journal);
    }
    let epochs = |dir: &Path| -> Vec<u64> {
        let scanned = scan(dir).expect("can be scanned");
        scanned.segments().iter().map(|segment| segment.epoch).collect()
    };
    let found = epochs(place.data().journal().dir());
    let before = found.iter().take_while(|epoch| **epoch == 0).count();
    assert!(before > 1 && before < found.len(), "{found:?}");
    assert!(found[before..].iter().all(|epoch| *epoch == 3), "{found:?}");
    assert!(epochs(place.data().event_log().dir()).iter().all(|epoch| *epoch == 0));
}
