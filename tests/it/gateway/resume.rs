//! Streams: numbered, gated, and resumed from any message without a gap or a repetition.

use super::bench::{ALICE, BOB, Bench, SECOND, cancel, canceled, enter, settings};
use dojima::domain::audience::{Address, Part};
use dojima::domain::{
    AccountId, AdminEvent, Event, Executed, InstrumentId, Listing, LoginId, OrderEvent, VenueEvent,
};
use dojima::stages::gateway::GatewaySettings;
use dojima::stages::resend::{Reading, ResendAnswer, ResendChunk};
use dojima::wire::ouch::{Outbound, SEQUENCED_LEN_MAX};
use dojima::wire::soup::kind;
use std::time::Duration;

#[test]
fn nothing_passes_the_gate_before_it_is_durable() {
    let mut bench = Bench::new();
    let (mut client, _) = bench.log_in(ALICE, 0);
    let records: Vec<_> = (1..=5).map(|n| bench.hold(canceled(0, ALICE, n).event)).collect();
    for open in 0..=5 {
        if open > 0 {
            bench.durable.set(records[open - 1].sequence);
        }
        for _ in 0..100 {
            bench.cycle();
        }
        assert_eq!(bench.count("gateway.messages_out"), open as u64, "gate at {open}");
        assert_eq!(bench.bytes(&mut client, usize::from(open > 0) * 21).len(), usize::from(open > 0) * 21);
        assert!(client.received.is_empty());
    }
}

#[test]
fn a_number_is_not_given_before_its_message_is_released() {
    let mut bench = Bench::new();
    bench.tell(ALICE);
    let held = bench.hold(canceled(0, ALICE, 2).event);
    bench.until("the first message", |bench| bench.count("gateway.messages_out") == 1);
    let (mut client, number) = bench.log_in(ALICE, 0);
    assert_eq!(number, 2);
    bench.durable.set(held.sequence);
    assert_eq!(bench.next_packet(&mut client).0, kind::SEQUENCED);
}

#[test]
fn a_client_resumes_from_every_message_of_the_tail() {
    let mut bench = Bench::new();
    let (first, _) = bench.log_in(ALICE, 0);
    drop(first);
    for _ in 0..300 {
        bench.tell(ALICE);
    }
    bench.until("the messages", |bench| bench.count("gateway.messages_out") == 300);
    for from in 1..=301 {
        let (mut client, number) = bench.log_in(ALICE, from);
        assert_eq!(number, from);
        bench.tell(ALICE);
        bench.expect_stream(&mut client, ALICE, from);
    }
    assert_eq!(bench.count("gateway.resend_chunks"), 0);
}

#[test]
fn a_client_resumes_from_the_event_log_and_goes_over_to_the_tail() {
    let old = 500;
    for from in [1, 2, 250, 493, 494, 499, 500, 501] {
        let mut bench = Bench::with(settings(), 16, &[0, old, 0]);
        let (mut client, number) = bench.log_in(ALICE, from);
        assert_eq!(number, from);
        let mut archived = 0;
        // Messages go on while the old ones are sent, and the archiver is behind at first.
        for live in 0..200 {
            if live % 3 == 0 {
                bench.tell(ALICE);
            }
            bench.archive(7, archived);
            archived = (archived + 11).min(bench.streams[1].len() as u64);
            bench.clock.advance(SECOND / 1000);
            bench.cycle();
        }
        let expected = bench.streams[1][from as usize - 1..].concat();
        bench.until("the whole stream", |bench| {
            bench.archive(7, u64::MAX - 1);
            bench.clock.advance(SECOND / 1000);
            client.receive();
            client.received.len() >= expected.len()
        });
        assert!(client.received == expected, "from {from}");
        client.received.clear();
        bench.tell(ALICE);
        let last = bench.streams[1].len() as u64;
        bench.expect_stream(&mut client, ALICE, last);
        assert_eq!(bench.count("gateway.resend_chunks") > 0, from <= old, "from {from}");
    }
}

/// Who reads old messages and sends orders is slowed down, too, when it reads more slowly than it is told something.
#[test]
fn who_resumes_and_does_not_keep_up_is_slowed_down() {
    let mut bench = Bench::with(settings(), 1024, &[0, 500, 0]);
    let (mut client, _) = bench.log_in(ALICE, 1);
    // As many as are a quarter of the tail, if each were as long as a message can be.
    let more = settings().tail_bytes / 4 / SEQUENCED_LEN_MAX;
    for told in 1..=more + 2 {
        bench.tell(ALICE);
        client.send(&enter(told as u32));
        for _ in 0..20 {
            bench.cycle();
        }
        let taken = bench.count("gateway.messages_in") as usize;
        assert!(if told <= more { taken >= told - 1 } else { taken <= more + 1 }, "{taken} of {told}");
    }
    assert_eq!(bench.count("gateway.connections"), 1);
    bench.until("the rest", |bench| {
        bench.archive(50, u64::MAX - 1);
        bench.clock.advance(SECOND / 1000);
        client.receive();
        bench.count("gateway.messages_in") as usize == more + 2
    });
}

#[test]
fn a_resume_catches_up_with_a_tail_that_moves_on() {
    let mut bench = Bench::with(GatewaySettings { tail_bytes: 16 * 1024, ..settings() }, 16, &[0, 100, 0]);
    let (mut client, _) = bench.log_in(ALICE, 1);
    // Several times what the tail holds comes in while the client is still being sent chunks.
    for _ in 0..6_000 {
        bench.tell(ALICE);
        bench.cycle();
        bench.archive(9, u64::MAX - 1);
    }
    let expected = bench.streams[1].concat();
    bench.until("the whole stream", |bench| {
        bench.archive(50, u64::MAX - 1);
        client.receive();
        client.received.len() >= expected.len()
    });
    assert!(client.received == expected);
    assert_eq!(bench.count("gateway.slow_disconnects"), 0);
    bench.until("the end of the log's requests", |bench| bench.cycle() == 0);
    assert!(bench.archiver.queries.is_empty());
}

#[test]
fn an_answer_to_a_connection_that_is_gone_is_dropped() {
    let mut bench = Bench::with(settings(), 16, &[0, 50, 0]);
    let (first, _) = bench.log_in(ALICE, 1);
    bench.until("a request", |bench| !bench.archiver.queries.is_empty());
    drop(first);
    bench.until("the client to be gone", |bench| bench.count("gateway.connections") == 0);
    let (mut second, number) = bench.log_in(ALICE, 20);
    assert_eq!(number, 20);
    let expected = bench.streams[1][19..].concat();
    bench.until("the stream", |bench| {
        bench.archive(1000, u64::MAX - 1);
        second.receive();
        second.received.len() >= expected.len()
    });
    assert!(second.received == expected);
}

#[test]
fn a_chunk_with_wrong_numbers_costs_the_connection_not_the_stream() {
    let mut bench = Bench::with(settings(), 16, &[0, 50, 0]);
    let (mut client, _) = bench.log_in(ALICE, 3);
    bench.until("a request", |bench| !bench.archiver.queries.is_empty());
    let request = bench.request().expect("a request");
    let to = Address { login: ALICE, part: Part::Only, copy_of: None };
    let messages = vec![(canceled(0, ALICE, 3), to)];
    let (connection, reading) = (request.connection, Reading::Good);
    let chunk = ResendChunk { login: ALICE, connection, first: 4, messages, reading };
    bench.archiver.answers.try_give(ResendAnswer::Chunk(chunk)).expect("room");
    assert_eq!(bench.until_closed(&mut client), b"", "no message at all rather than a wrong one");
}

#[test]
fn both_sides_of_a_trade_are_told_also_when_they_are_one_login() {
    let mut bench = Bench::new();
    let listing = Listing { tick_units: 1, ..Listing::default() };
    bench.release(Event::Admin(AdminEvent::InstrumentListed(listing)));
    bench.release(Event::Venue(VenueEvent::LoginOpened { login: ALICE, account: AccountId(1) }));
    bench.until("the opening", |bench| bench.count("gateway.messages_out") == 1);
    let (mut alice, number) = bench.log_in(ALICE, 0);
    assert_eq!(number, 2, "the opening was the first message");
    let (mut bob, _) = bench.log_in(BOB, 0);
    let trade = |maker: LoginId, taker: LoginId| Executed {
        instrument: InstrumentId(0),
        maker_login: maker,
        taker_login: taker,
        ..Executed::default()
    };
    bench.release(Event::Order(OrderEvent::Executed(trade(BOB, ALICE))));
    bench.release(Event::Order(OrderEvent::Executed(trade(ALICE, ALICE))));
    let mut flags = |client: &mut _, count| -> Vec<u8> {
        let liquidity = |payload: Vec<u8>| match Outbound::decode(&payload) {
            Ok(Outbound::Executed(executed, _)) => executed.liquidity,
            other => panic!("not an execution: {other:?}"),
        };
        (0..count).map(|_| liquidity(bench.next_packet(client).1)).collect()
    };
    assert_eq!(flags(&mut bob, 1), b"A");
    assert_eq!(flags(&mut alice, 3), b"RAR");
    assert_eq!(bench.log_in(ALICE, 0).1, 5);
}

#[test]
fn a_client_that_does_not_read_is_cut_and_can_resume() {
    let mut bench = Bench::new();
    let (mut slow, _) = bench.log_in(ALICE, 0);
    let (mut reader, _) = bench.log_in(BOB, 0);
    let mut read = 0;
    while bench.count("gateway.slow_disconnects") == 0 {
        assert!(bench.streams[1].len() < 2_000_000, "no buffer is that large");
        for _ in 0..100 {
            bench.tell(ALICE);
        }
        bench.tell(BOB);
        bench.until("the reader's message", |_| {
            reader.receive();
            reader.received.len() >= 21
        });
        read += 1;
        assert_eq!(reader.received.drain(..21).collect::<Vec<_>>(), bench.streams[2][read - 1]);
    }
    let got = bench.until_closed(&mut slow);
    let whole = got.len() / 21;
    assert!(
        got[..whole * 21] == bench.streams[1][..whole].concat(),
        "what it got is the start of its stream"
    );
    let (mut again, number) = bench.log_in(ALICE, whole as u64 + 1);
    assert_eq!(number, whole as u64 + 1);
    let expected = bench.streams[1][whole..].concat();
    bench.until("the rest of the stream", |bench| {
        bench.archive(3_000, u64::MAX - 1);
        again.receive();
        again.received.len() >= expected.len()
    });
    assert!(again.received == expected);
}

/// A tail that holds more than the system's buffers do, so that a client can stop reading without being cut.
fn roomy() -> GatewaySettings {
    GatewaySettings { tail_bytes: 32 << 20, client_timeout: Duration::from_secs(1_000), ..settings() }
}

/// Releases messages to ALICE, who does not read, until the system takes no more for her and more than `behind` bytes
/// wait in the gateway.
fn fill_up(bench: &mut Bench, behind: u64) {
    let (mut stuck, mut waiting) = (0, 0);
    while stuck < 50 || waiting <= behind {
        assert!(bench.streams[1].len() < 1_400_000, "no buffer is that large");
        let before = bench.count("gateway.bytes_out");
        for _ in 0..100 {
            bench.tell(ALICE);
        }
        bench.until("release", |bench| bench.cycle() == 0);
        let sent = bench.count("gateway.bytes_out");
        stuck = if sent == before { stuck + 1 } else { 0 };
        waiting = bench.streams[1].len() as u64 * 21 + 33 - sent;
    }
}

#[test]
fn a_client_that_reads_again_gets_everything() {
    let mut bench = Bench::with(roomy(), 16, &[]);
    let (mut client, _) = bench.log_in(ALICE, 0);
    for _ in 0..3 {
        let from = bench.streams[1].len() as u64 + 1;
        fill_up(&mut bench, 0);
        bench.expect_stream(&mut client, ALICE, from);
    }
    assert_eq!(bench.count("gateway.slow_disconnects"), 0);
}

#[test]
fn a_client_that_does_not_receive_is_not_read_from_until_it_does() {
    let mut bench = Bench::with(roomy(), 16, &[]);
    let (mut client, _) = bench.log_in(ALICE, 0);
    fill_up(&mut bench, (32 << 20) / 4);
    let read = bench.count("gateway.bytes_in");
    client.send(&cancel(1));
    for _ in 0..1_000 {
        bench.cycle();
    }
    assert_eq!(bench.count("gateway.bytes_in"), read);
    bench.expect_stream(&mut client, ALICE, 1);
    bench.until("the order", |bench| bench.commands.waiting() == 1);
}

#[test]
fn a_client_that_takes_nothing_for_too_long_is_cut() {
    let mut bench = Bench::with(roomy(), 16, &[]);
    let (mut slow, _) = bench.log_in(ALICE, 0);
    fill_up(&mut bench, 0);
    bench.clock.advance(5 * SECOND - 1);
    bench.cycle();
    assert_eq!(bench.count("gateway.slow_disconnects"), 0);
    bench.clock.advance(SECOND);
    bench.cycle();
    assert_eq!(bench.count("gateway.slow_disconnects"), 1);
    bench.until_closed(&mut slow);
}
