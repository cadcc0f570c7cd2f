//! What a login may do, how much of it, and what becomes of its orders without a connection.

use super::bench::{
    ALICE, BOB, Bench, SECOND, cancel, canceled, enter, login_packet, settings, who_and_which,
};
use dojima::domain::{Command, ConnectionLoss, LoginId, OrderCommand, RejectReason};
use dojima::net::auth::Role;
use dojima::stages::gateway::{GatewaySettings, GatewayStart, RateLimit};
use dojima::wire::soup::{CLIENT_HEARTBEAT, LOGOUT};
use std::time::Duration;

fn with_rate(per_second: u32, burst: u32) -> GatewaySettings {
    let mut settings = settings();
    settings.logins[0].rate = Some(RateLimit { per_second, burst });
    settings
}

fn with_grace(grace: Duration) -> GatewaySettings {
    let mut settings = settings();
    settings.logins[0].cancel_on_disconnect = Some(grace);
    settings
}

fn refused_for_rate(command: &Command) -> bool {
    matches!(command, Command::Order(OrderCommand::RefuseEnter(c)) if c.reason == RejectReason::MessageRateExceeded)
}

#[test]
fn what_is_above_the_rate_is_refused_but_cancels_are_taken() {
    let mut bench = Bench::with(with_rate(10, 4), 64, &[]);
    let (mut alice, _) = bench.log_in(ALICE, 0);
    let (mut bob, _) = bench.log_in(BOB, 0);
    let orders: Vec<u8> = (1..=6).flat_map(enter).chain(cancel(1)).collect();
    alice.send(&orders);
    bob.send(&(1..=40).flat_map(cancel).collect::<Vec<u8>>());
    bench.until("all commands", |bench| bench.commands.waiting() == 47);
    let taken = bench.taken();
    let (alices, bobs): (Vec<_>, Vec<_>) = taken.iter().partition(|c| who_and_which(c).0 == ALICE);
    let by_rate: Vec<bool> = alices.iter().copied().map(refused_for_rate).collect();
    assert_eq!(by_rate, [false, false, false, false, true, true, false], "the cancel is taken");
    assert!(matches!(alices[6], Command::Order(OrderCommand::Cancel(_))));
    assert_eq!(bobs.len(), 40, "another login has no limit");
    // A second later there is room again, for no more than the burst.
    bench.clock.advance(SECOND);
    alice.send(&(7..=11).flat_map(enter).collect::<Vec<u8>>());
    bench.until("the next orders", |bench| bench.commands.waiting() == 5);
    assert_eq!(bench.taken().iter().filter(|command| refused_for_rate(command)).count(), 1);
    assert_eq!(bench.count("gateway.connections"), 2);
}

#[test]
fn who_goes_on_above_the_rate_is_disconnected() {
    let mut bench = Bench::with(with_rate(1, 3), 64, &[]);
    let (mut alice, _) = bench.log_in(ALICE, 0);
    let (mut bob, _) = bench.log_in(BOB, 0);
    alice.send(&(1..=20).flat_map(cancel).collect::<Vec<u8>>());
    bench.until_closed(&mut alice);
    assert_eq!(bench.taken().len(), 6, "a burst, and as many again");
    assert_eq!(bench.count("gateway.bad_frames"), 1);
    // To log in again does not fill the bucket.
    let (mut alice, _) = bench.log_in(ALICE, 0);
    alice.send(&cancel(21));
    bench.until_closed(&mut alice);
    bench.tell(BOB);
    bench.expect_stream(&mut bob, BOB, 1);
}

/// Duty cycles in which whatever can be taken in is taken in; how many messages that was since the start.
fn taken_in(bench: &mut Bench) -> u64 {
    let before = bench.count("gateway.messages_in");
    for _ in 0..200 {
        bench.cycle();
    }
    let now = bench.count("gateway.messages_in");
    if now == before { now } else { taken_in(bench) }
}

#[test]
fn who_sends_faster_than_it_is_answered_does_not_stand_before_others() {
    let mut bench = Bench::with(GatewaySettings { unanswered_max: 8, ..settings() }, 1024, &[]);
    let (mut alice, _) = bench.log_in(ALICE, 0);
    let (mut bob, _) = bench.log_in(BOB, 0);
    let orders: Vec<u8> = (1..=40).flat_map(enter).collect();
    alice.send(&orders);
    bench.until_read(orders.len() as u64 + 2 * login_packet(ALICE, 0).len() as u64);
    assert_eq!(taken_in(&mut bench), 8);
    // What an ended connection has sent is on its way all the same: to come again does not help.
    for at in 0..3 {
        let (mut again, _) = bench.log_in(ALICE, 0);
        let more: Vec<u8> = (100..140).map(|number| 100 * at + number).flat_map(enter).collect();
        again.send(&more);
        assert_eq!(taken_in(&mut bench), 8, "time {at}");
        bench.until_closed(&mut alice);
        alice = again;
    }
    drop(alice);
    let (mut alice, _) = bench.log_in(ALICE, 0);
    alice.send(&(9..=40).flat_map(enter).collect::<Vec<u8>>());
    bob.send(&enter(1));
    bench.until("his order", |bench| bench.count("gateway.messages_in") == 9);
    let mut commands = bench.taken();
    assert_eq!(who_and_which(&commands[8]), (BOB, 1), "eight stand before his, and not forty");
    // Sequenced, then applied, then durable: only that is an answer.
    bench.sequenced.set(9);
    assert_eq!(taken_in(&mut bench), 9);
    let event = bench.hold(canceled(0, ALICE, 1).event);
    bench.applied.set(9);
    assert_eq!(taken_in(&mut bench), 9);
    bench.durable.set(event.sequence);
    for answered in [17, 25, 33, 41] {
        assert_eq!(taken_in(&mut bench), answered);
        commands.extend(bench.taken());
        bench.sequenced.set(answered);
        bench.applied.set(answered);
    }
    let hers: Vec<u32> =
        commands.iter().map(who_and_which).filter(|(who, _)| *who == ALICE).map(|(_, which)| which).collect();
    assert_eq!(hers, (1..=40).collect::<Vec<u32>>(), "all of them, in their order");
}

#[test]
fn who_says_nothing_without_end_is_read_slowly() {
    let mut bench = Bench::with(settings(), 64, &[]);
    let (mut alice, _) = bench.log_in(ALICE, 0);
    let (mut bob, _) = bench.log_in(BOB, 0);
    // 4,096 at once and then one a millisecond; an order stands behind them.
    let heartbeats = CLIENT_HEARTBEAT.repeat(7_000);
    let orders = [heartbeats.clone(), enter(1), heartbeats, enter(2)].concat();
    alice.send(&orders);
    bench.until_read(orders.len() as u64 + 2 * login_packet(ALICE, 0).len() as u64);
    assert_eq!(taken_in(&mut bench), 0);
    bob.send(&enter(1));
    bench.until("his order", |bench| bench.count("gateway.messages_in") == 1);
    let mut taken_at = Vec::new();
    for ms in 0..12_000 {
        bench.cycle();
        (taken_at.len() as u64 + 1..bench.count("gateway.messages_in")).for_each(|_| taken_at.push(ms));
        bench.clock.advance(SECOND / 1_000);
    }
    assert_eq!(taken_at, [7_000 - 4_096, 14_000 - 4_096], "they are late, and nothing else");
    assert_eq!(bench.count("gateway.connections"), 2);
}

#[test]
fn what_is_sent_after_a_logout_is_read_slowly() {
    let mut bench = Bench::with(settings(), 64, &[]);
    let (mut alice, _) = bench.log_in(ALICE, 0);
    alice.send(&[enter(1), LOGOUT.to_vec()].concat());
    bench.until("her order", |bench| bench.count("gateway.messages_in") == 1);
    let before = bench.count("gateway.bytes_in");
    let flood = vec![0; 1 << 16];
    for _ in 0..200 {
        alice.send_some(&mut &flood[..]);
        bench.cycle();
    }
    let read = bench.count("gateway.bytes_in") - before;
    assert!((100_000..500_000).contains(&read), "{read} bytes of 13 MB");
    // Nor does it keep the gateway awake, neither while it is owed something nor afterwards.
    for is_answered in [false, true] {
        if is_answered {
            assert_eq!(bench.taken().len(), 1);
            bench.sequenced.set(1);
            bench.applied.set(1);
            bench.until("the end", |bench| {
                bench.clock.advance(SECOND / 1_000);
                alice.send_some(&mut &flood[..]);
                alice.receive();
                alice.closed
            });
            bench.clock.advance(SECOND / 100);
            taken_in(&mut bench);
        }
        let turns = bench.count("gateway.input_turns");
        let work: usize = (0..1_000).map(|_| bench.cycle()).sum();
        let turns = bench.count("gateway.input_turns") - turns;
        assert!(work <= 1 && turns <= 1, "{work} work in {turns} turns, answered: {is_answered}");
        let before = bench.count("gateway.bytes_in");
        bench.clock.advance(SECOND);
        taken_in(&mut bench);
        let read = bench.count("gateway.bytes_in") - before;
        assert!((10_000..300_000).contains(&read), "{read} bytes after a second");
    }
}

#[test]
fn a_login_that_may_only_read_reads_and_sends_nothing() {
    let mut bench = Bench::starting(settings(), 64, GatewayStart::default(), Role::DropCopy);
    let (mut alice, _) = bench.log_in(ALICE, 0);
    bench.tell(ALICE);
    bench.expect_stream(&mut alice, ALICE, 1);
    alice.send(&CLIENT_HEARTBEAT);
    alice.send(&cancel(1));
    bench.until_closed(&mut alice);
    assert_eq!(bench.taken(), []);
    assert_eq!(bench.count("gateway.bad_frames"), 1);
}

fn cancels(bench: &mut Bench) -> Vec<LoginId> {
    let commands = bench.taken().into_iter();
    commands
        .map(|command| match command {
            Command::Order(OrderCommand::CancelLogin { login, cause: ConnectionLoss::Disconnected }) => login,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn orders_go_when_their_login_is_away_for_too_long() {
    let mut bench = Bench::with(with_grace(Duration::from_secs(2)), 64, &[]);
    // An engine that starts knows of no connection.
    bench.cycle();
    bench.clock.advance(2 * SECOND - 1);
    bench.cycle();
    assert_eq!(cancels(&mut bench), []);
    bench.clock.advance(SECOND / 50);
    bench.until("the cancel", |bench| bench.commands.waiting() == 1);
    assert_eq!(cancels(&mut bench), [ALICE]);
    bench.clock.advance(10 * SECOND);
    bench.cycle();
    assert_eq!(cancels(&mut bench), [], "once");

    let (alice, _) = bench.log_in(ALICE, 0);
    bench.clock.advance(10 * SECOND);
    bench.cycle();
    assert_eq!(cancels(&mut bench), [], "it is there");
    drop(alice);
    bench.until("the end", |bench| bench.count("gateway.connections") == 0);
    bench.clock.advance(SECOND);
    let (alice, _) = bench.log_in(ALICE, 0);
    bench.clock.advance(5 * SECOND);
    bench.cycle();
    assert_eq!(cancels(&mut bench), [], "it was back in time");
    // A second connection takes over: that is no absence.
    let (second, _) = bench.log_in(ALICE, 0);
    drop(alice);
    bench.clock.advance(5 * SECOND);
    bench.cycle();
    assert_eq!(cancels(&mut bench), []);
    drop(second);
    bench.until("the end", |bench| bench.count("gateway.connections") == 0);
    bench.clock.advance(2 * SECOND + SECOND / 50);
    bench.until("the cancel", |bench| bench.commands.waiting() == 1);
    assert_eq!(cancels(&mut bench), [ALICE]);
    assert_eq!(bench.count("gateway.absent_cancels"), 2);
}

#[test]
fn a_cancel_that_finds_no_room_is_asked_for_again() {
    let mut bench = Bench::with(with_grace(Duration::ZERO), 2, &[]);
    let (mut bob, _) = bench.log_in(BOB, 0);
    bench.until("the first cancel", |bench| bench.commands.waiting() == 1);
    assert_eq!(cancels(&mut bench), [ALICE]);
    let (alice, _) = bench.log_in(ALICE, 0);
    bob.send(&(1..=6).flat_map(cancel).collect::<Vec<u8>>());
    bench.until("a full ring", |bench| bench.commands.waiting() == 2);
    drop(alice);
    bench.until("the end", |bench| bench.count("gateway.connections") == 1);
    for _ in 0..10 {
        bench.clock.advance(SECOND / 10);
        bench.cycle();
    }
    let mut seen = 0;
    bench.until("everything", |bench| {
        bench.clock.advance(SECOND / 1_000);
        let taken = bench.taken();
        seen += taken
            .iter()
            .filter(|command| matches!(command, Command::Order(OrderCommand::CancelLogin { .. })))
            .count();
        seen == 1
    });
}
