//! Heartbeats and timeouts, by the test's own clock.

use super::bench::{ALICE, BOB, Bench, SECOND, cancel};
use dojima::wire::soup::{self, CLIENT_HEARTBEAT, LoginRequest, SERVER_HEARTBEAT, kind};

#[test]
fn a_heartbeat_is_sent_after_a_second_without_anything_else() {
    let mut bench = Bench::new();
    let (mut client, _) = bench.log_in(ALICE, 0);
    for round in 1..=5 {
        bench.clock.advance(SECOND - 1);
        for _ in 0..20 {
            bench.cycle();
        }
        assert_eq!(bench.count("gateway.bytes_out"), 33 + 3 * (round - 1), "too early in round {round}");
        bench.clock.advance(SECOND / 50);
        assert_eq!(bench.bytes(&mut client, 3), SERVER_HEARTBEAT);
        client.send(&CLIENT_HEARTBEAT);
        bench.until_read(49 + 3 * round);
    }
}

/// A day, forwards or back.
#[test]
fn a_wall_clock_that_is_set_changes_no_heartbeat_and_no_timeout() {
    const DAY: i64 = 86_400 * SECOND as i64;
    for step in [DAY, -DAY] {
        let mut bench = Bench::new();
        let (mut heard, _) = bench.log_in(ALICE, 0);
        let (mut silent, _) = bench.log_in(BOB, 0);
        let mut sent = 2 * 49;
        bench.clock.step_wall(step);
        bench.cycle();
        assert_eq!(bench.count("gateway.connections"), 2, "nobody is closed by a step of {step} ns");
        for _ in 0..15 {
            bench.clock.advance(SECOND + SECOND / 50);
            heard.send(&CLIENT_HEARTBEAT);
            sent += 3;
            bench.until_read(sent);
            assert_eq!(bench.bytes(&mut heard, 3), SERVER_HEARTBEAT);
        }
        bench.until_closed(&mut silent);
        assert_eq!(
            bench.count("gateway.connections"),
            1,
            "who says nothing is closed after a step of {step} ns"
        );
    }
}

#[test]
fn a_message_counts_as_a_heartbeat() {
    let mut bench = Bench::new();
    let (mut client, _) = bench.log_in(ALICE, 0);
    for round in 1..=10 {
        bench.clock.advance(SECOND / 10 * 9);
        bench.tell(ALICE);
        bench.expect_stream(&mut client, ALICE, round);
    }
    assert_eq!(bench.count("gateway.bytes_out"), 33 + 10 * 21);
}

#[test]
fn a_silent_client_is_closed_and_one_that_is_heard_is_not() {
    let mut bench = Bench::new();
    let (mut silent, _) = bench.log_in(ALICE, 0);
    let (mut heard, _) = bench.log_in(BOB, 0);
    let mut sent = 2 * 49;
    for _ in 0..14 {
        bench.clock.advance(SECOND);
        heard.send(&CLIENT_HEARTBEAT);
        sent += 3;
        bench.until_read(sent);
        bench.cycle();
    }
    bench.clock.advance(SECOND - 1);
    bench.cycle();
    assert_eq!(bench.count("gateway.connections"), 2);
    bench.clock.advance(SECOND / 50);
    bench.until_closed(&mut silent);
    assert_eq!(bench.count("gateway.connections"), 1);
    bench.tell(BOB);
    let beats =
        std::iter::repeat_with(|| bench.next_packet(&mut heard)).take_while(|(k, _)| *k != kind::SEQUENCED);
    assert!(beats.count() >= 14);
}

#[test]
fn a_client_may_ask_for_a_timeout_of_its_own() {
    let mut bench = Bench::new();
    let mut client = bench.connect();
    let request = LoginRequest {
        username: soup::username("ALICE").expect("a name"),
        password: soup::password("WONDER").expect("a password"),
        session: None,
        sequence: 0,
        heartbeat_timeout_ms: Some(3_000),
    };
    let mut bytes = Vec::new();
    request.push(&mut bytes);
    client.send(&bytes);
    assert_eq!(bench.next_packet(&mut client).0, kind::LOGIN_ACCEPTED);
    bench.clock.advance(3 * SECOND - 1);
    bench.cycle();
    bench.cycle();
    assert_eq!(bench.count("gateway.connections"), 1);
    bench.clock.advance(SECOND / 50);
    bench.cycle();
    assert_eq!(bench.count("gateway.connections"), 0);
    bench.until_closed(&mut client);
}

#[test]
fn silence_that_is_the_gateways_own_doing_is_no_silence() {
    let mut bench = Bench::with(super::bench::settings(), 4, &[]);
    let (mut client, _) = bench.log_in(ALICE, 0);
    client.send(&(1..=10).flat_map(cancel).collect::<Vec<u8>>());
    bench.until("a full ring", |bench| bench.count("gateway.inbound_full") > 0);
    for _ in 0..3 {
        bench.clock.advance(14 * SECOND);
        bench.cycle();
    }
    let mut taken = 0;
    bench.until("every command", |bench| {
        taken += bench.taken().len();
        taken == 10
    });
    assert_eq!(bench.count("gateway.connections"), 1);
}

#[test]
fn a_connection_that_does_not_log_in_is_closed() {
    let mut bench = Bench::new();
    let mut idle = bench.connect();
    let mut chatty = bench.connect();
    bench.until("both connections", |bench| bench.count("gateway.connections") == 2);
    chatty.send(&CLIENT_HEARTBEAT);
    bench.clock.advance(30 * SECOND - 1);
    bench.until_read(3);
    bench.cycle();
    assert_eq!(bench.count("gateway.connections"), 2);
    bench.clock.advance(SECOND / 50);
    bench.until_closed(&mut idle);
    bench.until_closed(&mut chatty);
    assert_eq!(bench.count("gateway.connections"), 0);
}
