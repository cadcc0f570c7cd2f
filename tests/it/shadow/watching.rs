//! What the shadow does while the engine runs.

use super::{EVERY, Place, damage};
use crate::support::commands::Commands;
use dojima::config::OldSegments;
use dojima::domain::{Command, Event, OrderCommand, OrderEvent, VenueCommand, VenueEvent, codec};
use dojima::runtime::Fatal;
use dojima::stages::shadow::REQUEST_FILE;
use dojima_journal::Reader;
use std::fs;

#[test]
fn snapshots_stand_at_multiples_and_old_ones_go() {
    let mut place = Place::new();
    place.config.snapshots.keep = 3;
    place.run_and_kill(5 * EVERY as usize);
    let last = place.replayed().last.sequence / EVERY * EVERY;
    assert_eq!(place.positions(), [last, last - EVERY, last - 2 * EVERY]);
    for position in place.positions() {
        let (state, info) = place.snapshots().load(position).expect("loaded");
        assert_eq!((state.last.sequence, info.position), (position, position));
        assert_eq!(state.shards.digest(), info.digest);
    }
}

/// Else the newest sound snapshot would go because two damaged ones are newer, and with it, where segments are deleted,
/// the last way to the state.
#[test]
fn damaged_snapshots_do_not_count_among_those_that_are_kept() {
    let mut place = Place::new();
    place.config.snapshots.keep = 2;
    place.config.retention.segments = OldSegments::Delete;
    place.run_and_kill(3 * EVERY as usize);
    let before = place.positions();
    let [newest, sound] = before[..] else { panic!("{before:?}") };
    // Behind the header, which still says what the file should be.
    damage(&place.file(newest), 200);
    let first = place.replayed().last.sequence / EVERY * EVERY + EVERY;
    place.run_and_kill(EVERY as usize);
    assert_eq!(place.positions(), [first, newest, sound], "only one of the newer two is sound");
    place.run_and_kill(EVERY as usize);
    assert_eq!(place.positions(), [first + EVERY, first]);
}

#[test]
fn checkpoints_are_journaled_and_every_replay_compares_them() {
    let mut place = Place::new();
    place.config.snapshots.checkpoint_every_commands = 100;
    place.config.snapshots.every_commands = 0;
    place.run_and_kill(1_000);
    let mut reader = Reader::open(place.data().journal().dir(), 1).expect("opened");
    let mut found = Vec::new();
    while let Some(record) = reader.next().expect("read") {
        if let Command::Venue(VenueCommand::Checkpoint(checkpoint)) =
            codec::decode_command(record.payload).expect("a command")
        {
            found.push(checkpoint.of);
        }
    }
    // How many depends on how far behind the shadow is: it asks for one of where it is, at its own pace.
    assert!(!found.is_empty());
    assert!(found.iter().all(|of| of.is_multiple_of(100)), "{found:?}");
    let logged = place.logged();
    let told = logged
        .iter()
        .filter(|record| matches!(record.event, Event::Venue(VenueEvent::Checkpointed(_))))
        .count();
    assert_eq!(told, found.len());
    let engine = place.start().expect("the engine starts");
    assert_eq!(engine.report.checkpoints, found.len() as u64);
}

/// The event log says what the matcher said; if that is not what the journal comes to, one of the two is wrong.
#[test]
fn an_event_that_the_matcher_should_not_have_said_ends_the_engine() {
    let mut place = Place::new();
    place.run_and_kill(50);
    // A record of the event log is exchanged behind the engine's back, before the shadow has come to it.
    let mut engine = place.start().expect("the engine starts");
    let shadow = engine.handles.shadow.clone().expect("there is one");
    let before = place.logged().len();
    let mut commands = Commands::new(77);
    let mut lied = false;
    let fatal = loop {
        let command = commands.next().expect("endless");
        let _ = engine.handles.local.commands.try_push(command);
        shadow.request_snapshot();
        match engine.stepper.step() {
            Ok(_) if !lied && place.logged().len() > before => {
                lied = replace_last_event(&place);
            }
            Ok(_) => {}
            Err(fatal) => break fatal,
        }
    };
    assert!(lied);
    assert!(matches!(fatal, Fatal::Diverged { .. }), "{fatal}");
    assert_eq!(fatal.exit_code(), 23);
    assert!(fatal.to_string().contains("in the event log, but the shadow's replay gives"), "{fatal}");
}

/// Puts a wrong event where the last one is, with a right checksum.
fn replace_last_event(place: &Place) -> bool {
    let data = place.data();
    let mut reader = Reader::open(data.event_log().dir(), 1).expect("opened");
    let (mut at, mut last) = (None, None);
    while let Some(record) = reader.next().expect("read") {
        at = Some((record.position(), record.payload.len(), record.watermark, record.time_ns));
        last = Some(codec::decode_event(record.payload).expect("an event"));
    }
    let (Some((position, len, watermark, time)), Some(mut event)) = (at, last) else { return false };
    event.time.0 += 1;
    let mut payload = [0; codec::ENCODED_LEN_MAX];
    assert_eq!(codec::encode_event(&event, &mut payload).expect("fits"), len);
    let file = data.event_log().path(&format!("{:010}.seg", position.segment));
    let mut bytes = fs::read(&file).expect("readable");
    let salt = &bytes[dojima_journal::layout::SALT_AT..dojima_journal::layout::SALT_AT + 8];
    let seed = crc32c(0, salt);
    let from = position.offset as usize;
    let mut record = bytes[from..from + 32].to_vec();
    record.extend_from_slice(&payload[..len]);
    let _ = (watermark, time);
    let crc = crc32c(crc32c(seed, &record[..4]), &record[8..]);
    record[4..8].copy_from_slice(&crc.to_le_bytes());
    bytes[from..from + record.len()].copy_from_slice(&record);
    // In place: the engine has the file mapped.
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().write(true).open(&file).expect("opened");
    file.write_all_at(&bytes[from..from + record.len()], from as u64).expect("written");
    true
}

/// CRC-32C, bit by bit.
fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
    let crc = bytes.iter().fold(!seed, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)));
    !crc
}

#[test]
fn a_request_in_a_file_is_taken_and_the_file_goes() {
    let mut place = Place::new();
    place.config.snapshots.every_commands = 0;
    let clock = dojima::runtime::ManualClock::default();
    let mut engine =
        dojima::engine::SteppedEngine::start_at(&place.config, place.path(), 3, &clock).expect("started");
    for command in place.commands.by_ref().take(40) {
        engine.handles.local.commands.try_push(command).expect("room");
    }
    engine.stepper.run_until_idle(usize::MAX).expect("no fatal error");
    assert_eq!(place.positions(), [0; 0]);
    let files = place.data();
    files.snapshots().prepare().expect("made");
    files.snapshots().write(REQUEST_FILE, &mut |_| Ok(())).expect("written");
    clock.advance(2_000_000_000);
    engine.stepper.run_until_idle(usize::MAX).expect("no fatal error");
    assert_eq!(place.positions(), [engine.handles.watch.durable.get()]);
    assert!(files.snapshots().open(REQUEST_FILE).is_err(), "the request is gone");
}

#[test]
fn a_data_directory_at_its_quota_takes_no_new_orders_until_there_is_room() {
    let mut place = Place::new();
    // Journal and event log take a segment and a spare of 1 MiB each at once.
    place.config.retention.quota_mib = 1;
    let clock = dojima::runtime::ManualClock::default();
    let mut engine =
        dojima::engine::SteppedEngine::start_at(&place.config, place.path(), 3, &clock).expect("started");
    engine.stepper.run_until_idle(usize::MAX).expect("no fatal error");
    let enter = place
        .commands
        .by_ref()
        .find(|command| matches!(command, Command::Order(OrderCommand::Enter(_))))
        .expect("endless");
    engine.handles.local.commands.try_push(enter).expect("room");
    engine.stepper.run_until_idle(usize::MAX).expect("no fatal error");
    let refused = |event: &Event| {
        matches!(event, Event::Order(OrderEvent::Rejected(rejected))
            if rejected.reason == dojima::domain::RejectReason::JournalSpaceLow)
    };
    assert!(
        place.logged().last().is_some_and(|record| refused(&record.event)),
        "{:?}",
        place.logged().last()
    );
    engine.stop().expect("stopped");

    place.config.retention.quota_mib = 1_000;
    place.run_and_kill(50);
    let accepted = |event: &Event| matches!(event, Event::Order(OrderEvent::Accepted(_)));
    assert!(place.logged().iter().any(|record| accepted(&record.event)));
}
