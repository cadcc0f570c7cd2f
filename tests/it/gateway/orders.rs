//! From bytes to commands: wherever TCP cuts them, and whatever room there is.

use super::bench::{ALICE, BOB, Bench, SECOND, cancel, enter, login_packet, settings, who_and_which};
use dojima::domain::{
    AdminEvent, Command, Event, InstrumentId, Listing, LoginId, OrderCommand, RejectReason, Symbol,
};
use dojima::runtime::Agent;
use dojima::wire::soup::kind;
use std::ops::ControlFlow;
use std::time::Duration;

fn numbers(commands: &[Command], login: LoginId) -> Vec<u32> {
    commands.iter().map(who_and_which).filter(|(who, _)| *who == login).map(|(_, which)| which).collect()
}

#[test]
fn packets_may_be_cut_anywhere() {
    let mut bench = Bench::new();
    let bytes = [login_packet(ALICE, 0), enter(1), cancel(2)].concat();
    let mut sent = 0;
    let mut whole = None;
    for cut in 0..=bytes.len() {
        let mut client = bench.connect();
        let (before, after) = bytes.split_at(cut);
        client.send(before);
        sent += before.len() as u64;
        bench.until_read(sent);
        client.send(after);
        sent += after.len() as u64;
        bench.until_read(sent);
        assert_eq!(bench.next_packet(&mut client).0, kind::LOGIN_ACCEPTED, "cut at {cut}");
        let commands = bench.taken();
        assert_eq!(numbers(&commands, ALICE), [1, 2], "cut at {cut}");
        assert_eq!(*whole.get_or_insert(commands.clone()), commands, "cut at {cut}");
    }
}

#[test]
fn many_messages_in_one_read_all_arrive_in_order() {
    let mut bench = Bench::with(settings(), 16_384, &[]);
    let (mut client, _) = bench.log_in(ALICE, 0);
    let bytes: Vec<u8> = (1..=5_000).flat_map(cancel).collect();
    let mut rest = &bytes[..];
    bench.until("all commands", |bench| {
        client.send_some(&mut rest);
        bench.commands.waiting() >= 5_000
    });
    assert_eq!(numbers(&bench.taken(), ALICE), (1..=5_000).collect::<Vec<_>>());
    assert_eq!(bench.count("gateway.messages_in"), 5_000);
    assert_eq!(bench.count("gateway.inbound_full"), 0);
}

#[test]
fn a_full_ring_holds_clients_back_and_loses_nothing() {
    let mut bench = Bench::with(settings(), 4, &[]);
    let (mut alice, _) = bench.log_in(ALICE, 0);
    let (mut bob, _) = bench.log_in(BOB, 0);
    let orders = 3_000;
    // More than the gateway's buffer holds: the rest stays with the system.
    let bytes: Vec<u8> = (1..=orders).flat_map(|n| [enter(n), cancel(n)].concat()).collect();
    let (mut rest_of_alice, mut rest_of_bob) = (&bytes[..], &bytes[..]);
    let mut taken = Vec::new();
    bench.until("every command", |bench| {
        alice.send_some(&mut rest_of_alice);
        bob.send_some(&mut rest_of_bob);
        let held = bench.cycle();
        assert!(bench.commands.waiting() <= 4);
        let waiting = bench.commands.waiting() as usize;
        assert!(
            waiting < 4 || held > 0 || taken.len() + waiting == 4 * orders as usize,
            "what waits counts as work, so that nobody sleeps on it"
        );
        taken.extend(bench.taken());
        taken.len() == 4 * orders as usize
    });
    let expected: Vec<u32> = (1..=orders).flat_map(|n| [n, n]).collect();
    assert_eq!(numbers(&taken, ALICE), expected);
    assert_eq!(numbers(&taken, BOB), expected);
    let both = taken.iter().position(|command| who_and_which(command).0 == BOB).expect("one of Bob's");
    let of_bob = numbers(&taken[both..both + 400], BOB).len();
    assert!((150..=250).contains(&of_bob), "clients take turns: {of_bob} of 400");
    assert!(bench.count("gateway.inbound_full") > 0);
}

#[test]
fn what_came_before_the_client_hung_up_is_taken_up() {
    let mut bench = Bench::with(settings(), 4, &[]);
    let (mut client, _) = bench.log_in(ALICE, 0);
    client.send(&(1..=50).flat_map(cancel).collect::<Vec<u8>>());
    client.finish();
    let mut taken = Vec::new();
    bench.until("every command", |bench| {
        taken.extend(bench.taken());
        taken.len() == 50
    });
    bench.until_closed(&mut client);
    assert_eq!(numbers(&taken, ALICE), (1..=50).collect::<Vec<_>>());
    bench.until("the connection to be gone", |bench| bench.count("gateway.connections") == 0);
}

#[test]
fn symbols_are_those_of_the_released_events() {
    let mut bench = Bench::new();
    let (mut client, _) = bench.log_in(ALICE, 0);
    let listing =
        Listing { symbol: Symbol::new("BTC-USDT").expect("a symbol"), tick_units: 1, ..Listing::default() };
    client.send(&enter(1));
    bench.until("the first order", |bench| bench.commands.waiting() == 1);
    let held = bench.hold(Event::Admin(AdminEvent::InstrumentListed(listing)));
    client.send(&enter(2));
    bench.until("the second order", |bench| bench.commands.waiting() == 2);
    bench.durable.set(held.sequence);
    bench.cycle();
    client.send(&enter(3));
    bench.until("the third order", |bench| bench.commands.waiting() == 3);
    let commands = bench.taken();
    for refused in &commands[..2] {
        assert!(
            matches!(refused, Command::Order(OrderCommand::RefuseEnter(r)) if r.reason == RejectReason::UnknownSymbol),
            "{refused:?}"
        );
    }
    assert!(
        matches!(commands[2], Command::Order(OrderCommand::Enter(e)) if e.instrument == InstrumentId(0)),
        "{:?}",
        commands[2]
    );
}

#[test]
fn a_stopped_gateway_takes_nothing_in_but_still_answers() {
    let mut bench = Bench::new();
    let (mut client, _) = bench.log_in(ALICE, 0);
    client.send(&cancel(1));
    bench.until("the order before the stop", |bench| bench.commands.waiting() == 1);
    bench.control.stop_reading();
    client.send(&cancel(2));
    let mut newcomer = bench.connect();
    newcomer.send(&login_packet(BOB, 0));
    // Longer than any silence that is allowed: it is the gateway's own doing.
    bench.clock.advance(14_000_000_000);
    bench.cycle();
    bench.clock.advance(14_000_000_000);
    bench.tell(ALICE);
    while bench.next_packet(&mut client).0 == kind::SERVER_HEARTBEAT {}
    bench.tell(ALICE);
    bench.gateway.on_close().expect("no fatal error");
    let rest = bench.until_closed(&mut client);
    let last = &bench.streams[ALICE.0 as usize][1];
    assert!(rest.ends_with(last), "what was released before the close is sent");
    assert_eq!(numbers(&bench.taken(), ALICE), [1]);
    assert_eq!(bench.count("gateway.logins"), 1);
}

#[test]
fn the_gateways_descriptor_wakes_whoever_waits_for_its_sockets() {
    let mut bench = Bench::new();
    let (mut client, _) = bench.log_in(ALICE, 0);
    bench.until("a cycle without work", |bench| bench.cycle() == 0);
    let mut outer = mio::Poll::new().expect("a poll");
    let descriptor = bench.gateway.descriptor().expect("a poll");
    let mut source = mio::unix::SourceFd(&descriptor);
    outer.registry().register(&mut source, mio::Token(7), mio::Interest::READABLE).expect("registered");
    let mut events = mio::Events::with_capacity(4);
    for round in 1..=3 {
        client.send(&cancel(round));
        outer.poll(&mut events, Some(Duration::from_secs(60))).expect("polled");
        assert_eq!(events.iter().count(), 1, "round {round}");
        bench.until("the order", |bench| bench.commands.waiting() == u64::from(round));
    }
}

#[test]
fn whoever_is_downstream_is_woken_for_orders_and_the_archiver_for_old_messages() {
    let mut bench = Bench::with(settings(), 16, &[0, 50]);
    let [downstream, archiver] = [bench.downstream.doorbell(), bench.wakes_archiver.doorbell()];
    let (mut client, _) = bench.log_in(ALICE, 0);
    bench.downstream.arm();
    bench.wakes_archiver.arm();
    bench.tell(ALICE);
    bench.until("a cycle without work", |bench| bench.cycle() == 0);
    assert!(downstream.is_armed() && archiver.is_armed(), "what goes out is nobody's business there");
    client.send(&cancel(1));
    bench.until("the order", |bench| bench.commands.waiting() == 1);
    assert!(!downstream.is_armed() && archiver.is_armed());
    bench.downstream.arm();
    bench.log_in(ALICE, 1);
    bench.until("a request", |bench| !bench.archiver.queries.is_empty());
    assert!(downstream.is_armed() && !archiver.is_armed());
}

#[test]
fn nothing_is_allocated_after_warm_up() {
    let mut bench = Bench::new();
    let (mut alice, _) = bench.log_in(ALICE, 0);
    let (mut bob, _) = bench.log_in(BOB, 0);
    let (mut sent, mut allocated) = (2 * 49, 0);
    for round in 0..300_u32 {
        let orders: Vec<u8> = (0..round % 40).flat_map(|n| [enter(n), cancel(n)].concat()).collect();
        alice.send(&orders);
        bob.send(&orders);
        sent += 2 * orders.len() as u64;
        (0..round % 30).for_each(|_| bench.tell(ALICE));
        bench.tell(BOB);
        bench.clock.advance(300_000_000);
        bench.until("the round's orders", |bench| {
            let counted = allocation_counter::measure(|| {
                bench.cycle();
            });
            allocated += if round < 100 { 0 } else { counted.count_total };
            bench.commands.poll(usize::MAX, |_| ControlFlow::Continue(()));
            bench.count("gateway.bytes_in") == sent
        });
        alice.receive();
        bob.receive();
    }
    assert_eq!(allocated, 0);
    assert!(bench.count("gateway.messages_in") > 5_000 && bench.count("gateway.messages_out") > 3_000);
}

/// Each refusal takes space too: a client that does not stop sending orders gets one every 100 ms, and cancels pass.
#[test]
fn while_space_is_low_orders_come_slowly_and_cancels_at_once() {
    let mut bench = Bench::new();
    let (mut alice, _) = bench.log_in(ALICE, 0);
    let (mut bob, _) = bench.log_in(BOB, 0);
    bench.space.set(true, || None);
    let before = bench.count("gateway.bytes_in");
    let orders: Vec<u8> = (1..=50).flat_map(enter).collect();
    let cancels: Vec<u8> = (1..=50).flat_map(cancel).collect();
    alice.send(&orders);
    bob.send(&cancels);
    bench.until_read(before + (orders.len() + cancels.len()) as u64);
    let taken = bench.taken();
    assert_eq!(numbers(&taken, ALICE), [1]);
    assert_eq!(numbers(&taken, BOB), (1..=50).collect::<Vec<_>>());
    bench.cycle();
    assert_eq!(bench.taken(), []);
    bench.clock.advance(SECOND / 10);
    bench.cycle();
    assert_eq!(numbers(&bench.taken(), ALICE), [2]);
    // The time is the login's, and not the connection's: to come back does not help.
    for at in 0..3 {
        let (mut again, _) = bench.log_in(ALICE, 0);
        again.send(&enter(100 + at));
        bench.until_read(bench.count("gateway.bytes_in") + enter(0).len() as u64);
        bench.cycle();
        assert_eq!(bench.taken(), []);
        bench.until_closed(&mut alice);
        alice = again;
    }
    bench.clock.advance(SECOND / 10);
    bench.cycle();
    assert_eq!(numbers(&bench.taken(), ALICE), [102]);
    alice.send(&(3..=50).flat_map(enter).collect::<Vec<_>>());

    bench.space.set(false, || None);
    bench.cycle();
    assert_eq!(numbers(&bench.taken(), ALICE), (3..=50).collect::<Vec<_>>());
}

/// A cancel takes space, too, also of an order that never was: only those that do something pass without an end.
#[test]
fn while_space_is_low_cancels_that_do_nothing_end() {
    let mut bench = Bench::new();
    let (mut alice, _) = bench.log_in(ALICE, 0);
    bench.space.set(true, || None);
    let before = bench.count("gateway.bytes_in");
    let cancels: Vec<u8> = (1..=150).flat_map(cancel).collect();
    alice.send(&cancels);
    bench.until_read(before + cancels.len() as u64);
    assert_eq!(numbers(&bench.taken(), ALICE), (1..=100).collect::<Vec<_>>());
    bench.cycle();
    assert_eq!(bench.taken(), []);
    // Two of them took an order away.
    bench.tell(ALICE);
    bench.tell(ALICE);
    bench.cycle();
    bench.cycle();
    assert_eq!(numbers(&bench.taken(), ALICE), [101, 102]);
    bench.clock.advance(SECOND);
    bench.cycle();
    assert_eq!(numbers(&bench.taken(), ALICE), [103]);

    bench.space.set(false, || None);
    bench.cycle();
    assert_eq!(numbers(&bench.taken(), ALICE), (104..=150).collect::<Vec<_>>());
}
