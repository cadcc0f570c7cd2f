//! Logging in, out, and being taken over.

use super::bench::{ALICE, BOB, Bench, Client, SECOND, cancel, login_packet, settings, who_and_which};
use dojima::runtime::Agent;
use dojima::stages::gateway::GatewaySettings;
use dojima::wire::soup::{self, CLIENT_HEARTBEAT, LOGOUT, LoginAccepted, LoginRejected, kind};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A Login Request packet with these fields, each filled up with spaces on the given side.
fn raw_login(fields: [&str; 4], timeout: Option<&str>, right: &str) -> Vec<u8> {
    let mut payload = String::new();
    for (field, len) in fields.into_iter().zip([6, 10, 10, 20]).chain(timeout.map(|t| (t, 5))) {
        match right {
            "justified" => payload.push_str(&format!("{field:>len$}")),
            _ => payload.push_str(&format!("{field:<len$}")),
        }
    }
    let mut packet = Vec::new();
    soup::push_packet(kind::LOGIN_REQUEST, payload.as_bytes(), &mut packet).expect("fits");
    packet
}

#[test]
fn every_way_of_writing_a_login_is_taken() {
    let mut bench = Bench::with(settings(), 16, &[0, 41, 0]);
    for justified in ["justified", "left"] {
        for timeout in [None, Some(""), Some("0"), Some("9000")] {
            for session in ["", "DAY1", "day1"] {
                for (asked, first) in [("0", 42), ("1", 1), ("41", 41), ("42", 42), ("43", 42), ("99999", 42)]
                {
                    let mut client = bench.connect();
                    client.send(&raw_login(["alice", "Wonder", session, asked], timeout, justified));
                    let (kind, payload) = bench.next_packet(&mut client);
                    assert_eq!(kind, kind::LOGIN_ACCEPTED);
                    let accepted = LoginAccepted::decode(&payload).expect("a Login Accepted");
                    assert_eq!(accepted.sequence, first, "asked for {asked} in session {session:?}");
                }
            }
        }
    }
    assert_eq!(bench.count("gateway.logins"), 2 * 4 * 3 * 6);
}

#[test]
fn a_refused_login_is_told_why_and_closed() {
    // Refusals take longer and longer, and the bystander says nothing meanwhile.
    let patient = GatewaySettings { client_timeout: Duration::from_secs(60), ..settings() };
    let mut bench = Bench::with(patient, 1024, &[0, 0, 0]);
    let (mut bystander, _) = bench.log_in(BOB, 0);
    let cases = [
        (["ALICE", "WONDERS", "", "1"], LoginRejected::NotAuthorised),
        (["ALICE", "", "", "1"], LoginRejected::NotAuthorised),
        (["ALICE", "BUILDER", "DAY1", "1"], LoginRejected::NotAuthorised),
        (["CAROL", "WONDER", "DAY1", "1"], LoginRejected::NotAuthorised),
        (["", "", "", "0"], LoginRejected::NotAuthorised),
        (["ALICE", "WONDER", "DAY2", "1"], LoginRejected::SessionNotAvailable),
    ];
    for (fields, reason) in cases {
        let mut client = bench.connect();
        // What follows a refused login is not read as orders.
        client.send(&[raw_login(fields, None, "left"), cancel(1)].concat());
        bench.until("the refusal", |bench| {
            bench.clock.advance(SECOND / 100);
            client.receive();
            client.received.len() >= 4
        });
        assert_eq!(bench.bytes(&mut client, 4), reason.packet(), "{fields:?}");
        bench.clock.advance(SECOND / 10);
        assert_eq!(bench.until_closed(&mut client), b"", "{fields:?}");
    }
    let mut flood = bench.connect();
    let read = bench.count("gateway.bytes_in");
    let bytes = [raw_login(["ALICE", "GUESS", "", "1"], None, "left"), vec![b'x'; 200_000]].concat();
    // All of it is read and thrown away, or the system would not let the refusal through.
    let mut rest = &bytes[..];
    bench.until("the flood to be read", |bench| {
        bench.clock.advance(SECOND / 1_000);
        flood.send_some(&mut rest);
        bench.count("gateway.bytes_in") == read + bytes.len() as u64
    });
    bench.clock.advance(2 * SECOND);
    bench.until("the refused connections to be gone", |bench| bench.count("gateway.connections") == 1);
    assert_eq!(bench.count("gateway.logins_refused"), cases.len() as u64 + 1);
    assert_eq!(bench.taken(), []);
    bench.tell(BOB);
    while bench.next_packet(&mut bystander).0 != kind::SEQUENCED {}
}

#[test]
fn a_second_login_of_the_same_user_takes_over() {
    let mut bench = Bench::new();
    let (mut first, _) = bench.log_in(ALICE, 1);
    let (mut other, _) = bench.log_in(BOB, 1);
    bench.tell(ALICE);
    bench.expect_stream(&mut first, ALICE, 1);
    let (mut second, number) = bench.log_in(ALICE, 2);
    assert_eq!(number, 2);
    assert_eq!(bench.until_closed(&mut first), b"");
    bench.tell(ALICE);
    bench.tell(BOB);
    bench.expect_stream(&mut second, ALICE, 2);
    bench.expect_stream(&mut other, BOB, 1);
    assert_eq!(bench.count("gateway.connections"), 2);
}

#[test]
fn what_came_before_a_logout_is_answered_before_the_close() {
    let mut bench = Bench::new();
    let (mut client, _) = bench.log_in(ALICE, 0);
    client.send(&[&cancel(7), &LOGOUT[..], &cancel(8)].concat());
    let sent = (cancel(7).len() + LOGOUT.len() + cancel(8).len()) as u64;
    let before = bench.count("gateway.bytes_in");
    bench.until("the logout", |bench| bench.count("gateway.messages_in") == 1);
    assert_eq!(bench.count("gateway.bytes_in") - before, sent);
    let is_open = |bench: &mut Bench, client: &mut Client| {
        (0..50).for_each(|_| _ = bench.cycle());
        client.receive();
        !client.closed
    };
    // The command is in none, one, two and all of the places where it has to be.
    assert!(is_open(&mut bench, &mut client), "nothing has taken it");
    assert_eq!(bench.taken().iter().map(who_and_which).collect::<Vec<_>>(), [(ALICE, 7)]);
    bench.until_closed(&mut client);
    // Whoever does not close its side is waited for: what was sent may still be on its way.
    bench.clock.advance(14 * SECOND);
    (0..50).for_each(|_| _ = bench.cycle());
    assert_eq!(bench.count("gateway.connections"), 1);
    bench.clock.advance(SECOND);
    bench.until("the end of its time", |bench| bench.count("gateway.connections") == 0);
    let (mut client, _) = bench.log_in(ALICE, 0);
    bench.sequenced.set(4);
    client.send(&[&cancel(9), &LOGOUT[..]].concat());
    bench.until("the logout", |bench| bench.count("gateway.messages_in") == 2);
    assert_eq!(bench.taken().len(), 1);
    assert!(is_open(&mut bench, &mut client), "it is not applied");
    let answer = bench.hold_for(ALICE);
    bench.applied.set(4);
    assert!(is_open(&mut bench, &mut client), "its event is not released");
    bench.durable.set(answer);
    assert_eq!(bench.until_closed(&mut client).len(), bench.streams[ALICE.0 as usize][0].len());
    drop(client);
    bench.until("its end", |bench| bench.count("gateway.connections") == 0);
    assert_eq!(bench.count("gateway.bad_frames"), 0);
    let (_client, number) = bench.log_in(ALICE, 0);
    assert_eq!(number, 2, "the session goes on");
}

#[test]
fn debug_text_and_heartbeats_mean_nothing_before_and_after_the_login() {
    let mut bench = Bench::new();
    let mut client = bench.connect();
    let mut chatter = Vec::new();
    soup::push_packet(kind::DEBUG, b"hello from a test", &mut chatter).expect("fits");
    chatter.extend(soup::CLIENT_HEARTBEAT);
    client.send(&[&chatter[..], &login_packet(ALICE, 0), &chatter, &cancel(1), &chatter].concat());
    assert_eq!(bench.next_packet(&mut client).0, kind::LOGIN_ACCEPTED);
    bench.until("the cancel", |bench| bench.commands.waiting() == 1);
    assert_eq!(bench.taken().iter().map(who_and_which).collect::<Vec<_>>(), [(ALICE, 1)]);
}

/// A stranger who has sent a part of a login costs nothing until more comes; neither does one whose login is looked at.
#[test]
fn a_stranger_who_is_silent_costs_no_turns() {
    let mut bench = Bench::new();
    let login = login_packet(ALICE, 0);
    let mut strangers = [bench.connect(), bench.connect(), bench.connect()];
    strangers[0].send(&login[..1]);
    strangers[1].send(&login[..login.len() - 1]);
    bench.until_read(login.len() as u64);
    for _ in 0..3 {
        bench.cycle();
    }
    let before = bench.count("gateway.input_turns");
    for _ in 0..1_000 {
        bench.cycle();
    }
    assert_eq!(bench.count("gateway.input_turns"), before);
    // The rest of a login is one.
    let rest = [&login[login.len() - 1..], &[0xFF; 9_000]].concat();
    strangers[1].send(&rest);
    bench.until("the login", |bench| bench.count("gateway.logins") == 1);
}

/// Without a descriptor the newcomer takes the place of a stranger; without a stranger it waits a second.
#[test]
fn strangers_give_way_when_descriptors_are_used_up() {
    let mut bench = Bench::new();
    let (mut alice, _) = bench.log_in(ALICE, 0);
    let mut strangers = [bench.connect(), bench.connect()];
    bench.until("the strangers", |bench| bench.count("gateway.connections") == 3);
    bench.used_up.store(1, Ordering::Relaxed);
    let (mut bob, _) = bench.log_in(BOB, 0);
    let closed = |stranger: &mut Client| {
        stranger.receive();
        usize::from(stranger.closed)
    };
    let [first, second] = &mut strangers;
    bench.until("the end of one", |_| closed(first) + closed(second) == 1);
    bench.tell(BOB);
    bench.expect_stream(&mut bob, BOB, 1);
    drop(strangers);
    bench.until("the end of both", |bench| bench.count("gateway.connections") == 2);
    bench.used_up.store(1, Ordering::Relaxed);
    let mut late = bench.connect();
    bench.until("the failure", |bench| bench.used_up.load(Ordering::Relaxed) == 0);
    for _ in 0..10 {
        bench.cycle();
    }
    assert_eq!(bench.count("gateway.connections"), 2);
    bench.clock.advance(SECOND);
    bench.until("the late one", |bench| bench.count("gateway.connections") == 3);
    for client in [&mut alice, &mut bob, &mut late] {
        client.receive();
        assert!(!client.closed);
    }
}

#[test]
fn strangers_do_not_keep_out_those_who_have_a_login() {
    let mut bench =
        Bench::with(dojima::stages::gateway::GatewaySettings { connections_max: 3, ..settings() }, 16, &[]);
    let (mut alice, _) = bench.log_in(ALICE, 0);
    let mut strangers = Vec::new();
    for count in 2..=3 {
        strangers.push(bench.connect());
        bench.until("the stranger", |bench| bench.count("gateway.connections") == count);
        bench.clock.advance(SECOND / 10);
    }
    let (mut bob, _) = bench.log_in(BOB, 0);
    assert_eq!(bench.until_closed(&mut strangers[0]), b"", "the first of them gives way");
    assert_eq!((bench.count("gateway.connections"), bench.count("gateway.turned_away")), (3, 0));
    bench.tell(ALICE);
    bench.tell(BOB);
    bench.expect_stream(&mut alice, ALICE, 1);
    bench.expect_stream(&mut bob, BOB, 1);
    strangers[1].receive();
    assert!(!strangers[1].closed, "the other one stays");
}

/// Of so many that one look finds several, those who came first go first, whatever happened to some of them meanwhile.
#[test]
fn of_many_strangers_the_oldest_give_way() {
    let many = GatewaySettings { connections_max: 200, ..settings() };
    let mut bench = Bench::with(many, 16, &[]);
    let mut strangers = Vec::new();
    for count in 1..=200 {
        bench.clock.advance(SECOND / 1_000);
        strangers.push(bench.connect());
        bench.until("the stranger", |bench| bench.count("gateway.connections") == count);
    }
    let newcomer = |bench: &mut Bench, strangers: &mut Vec<Client>, goes: usize| {
        bench.clock.advance(SECOND / 1_000);
        strangers.push(bench.connect());
        bench.until_closed(&mut strangers[goes]);
    };
    newcomer(&mut bench, &mut strangers, 0);
    // Found together with the first; it logs in, and does not go.
    strangers[1].send(&login_packet(ALICE, 0));
    let answer = bench.next_packet(&mut strangers[1]);
    assert_eq!(answer.0, kind::LOGIN_ACCEPTED);
    // Found together with the first; it leaves by itself, and its place is another's.
    strangers[2].finish();
    bench.until_closed(&mut strangers[2]);
    strangers.push(bench.connect());
    bench.until("the free place", |bench| bench.count("gateway.connections") == 200);
    for goes in 3..40 {
        newcomer(&mut bench, &mut strangers, goes);
    }
    for client in strangers.iter_mut().skip(1).filter(|client| !client.closed) {
        client.receive();
    }
    let gone = strangers.iter().filter(|client| client.closed).count();
    assert_eq!((gone, strangers[1].closed), (39, false));
}

/// Duty cycles of the gateway while the authenticator is busy, until `done` says so.
#[track_caller]
fn gateway_until(bench: &mut Bench, what: &str, done: &dyn Fn(&Bench) -> bool) {
    for _ in 0..100_000 {
        if done(bench) {
            return;
        }
        bench.gateway.do_work().expect("no fatal error");
        std::thread::yield_now();
    }
    panic!("gave up waiting for {what}");
}

/// A hundred newcomers who have sent a login come and go between the question and the authenticator's answer.
#[test]
fn a_login_that_is_being_looked_at_keeps_its_place() {
    let few = dojima::stages::gateway::GatewaySettings { connections_max: 4, ..settings() };
    let mut bench = Bench::with(few, 16, &[]);
    let mut alice = bench.connect();
    alice.send(&login_packet(ALICE, 0));
    let read = |bench: &Bench| bench.count("gateway.bytes_in");
    let len = login_packet(ALICE, 0).len() as u64;
    gateway_until(&mut bench, "her login", &|bench| read(bench) == len);
    let mut strangers = std::collections::VecDeque::new();
    let invented = raw_login(["NOBODY", "X", "", "0"], None, "");
    for count in 1..=100 {
        bench.clock.advance(SECOND / 1_000);
        let mut stranger = bench.connect();
        stranger.send(&invented);
        strangers.push_back(stranger);
        gateway_until(&mut bench, "the stranger's login", &|bench| {
            read(bench) == len + count * invented.len() as u64
        });
    }
    assert_eq!(bench.count("gateway.connections"), 4);
    let answer = bench.next_packet(&mut alice);
    assert_eq!(answer.0, kind::LOGIN_ACCEPTED, "her password is looked at last, and she is still there");
    assert_eq!(bench.count("authenticator.withdrawn"), 97, "nothing was spent on those who are gone");
}

#[test]
fn the_password_of_whoever_is_gone_is_not_looked_at() {
    let mut bench = Bench::new();
    let len = login_packet(ALICE, 0).len() as u64;
    for count in 1..=10 {
        let mut client = bench.connect();
        client.send(&login_packet(ALICE, 0));
        client.finish();
        gateway_until(&mut bench, "its end", &|bench| {
            bench.count("gateway.bytes_in") == count * len && bench.count("gateway.connections") == 0
        });
    }
    bench.until("all of them", |bench| bench.count("authenticator.withdrawn") == 10);
    assert_eq!(bench.count("authenticator.checked"), 0);
    assert_eq!(bench.count("gateway.connections"), 0);
}

#[test]
fn connections_beyond_the_limit_are_closed_and_the_rest_go_on() {
    let mut bench =
        Bench::with(dojima::stages::gateway::GatewaySettings { connections_max: 2, ..settings() }, 16, &[]);
    let (mut alice, _) = bench.log_in(ALICE, 0);
    let (bob, _) = bench.log_in(BOB, 0);
    for _ in 0..40 {
        let mut third = bench.connect();
        bench.until_closed(&mut third);
    }
    assert_eq!(bench.count("gateway.turned_away"), 40);
    drop(bob);
    bench.until("the free place", |bench| bench.count("gateway.connections") == 1);
    let (mut bob, _) = bench.log_in(BOB, 0);
    bench.tell(ALICE);
    bench.tell(BOB);
    bench.expect_stream(&mut alice, ALICE, 1);
    bench.expect_stream(&mut bob, BOB, 1);
}

#[test]
fn whoever_goes_on_saying_nothing_before_its_login_is_cut() {
    let mut bench = Bench::new();
    let mut client = bench.connect();
    client.send(&CLIENT_HEARTBEAT.repeat(600));
    bench.until("what may be said", |bench| bench.count("gateway.bytes_in") == 1_800);
    assert_eq!(bench.count("gateway.connections"), 1);
    client.send(&CLIENT_HEARTBEAT.repeat(100));
    bench.until_closed(&mut client);
    assert_eq!((bench.count("gateway.connections"), bench.count("gateway.bad_frames")), (0, 1));
}

/// However many strangers have something to say, they take few turns of a duty cycle, and those with a login all of theirs.
#[test]
fn strangers_take_few_turns_of_a_cycle() {
    let mut bench = Bench::with(GatewaySettings { connections_max: 64, ..settings() }, 1024, &[0, 0, 0]);
    let (mut alice, _) = bench.log_in(ALICE, 1);
    let mut strangers: Vec<Client> = (0..60).map(|_| bench.connect()).collect();
    bench.until("all of them", |bench| bench.count("gateway.connections") == 61);
    (0..20).for_each(|_| _ = bench.cycle());
    let (bytes, turns) = (bench.count("gateway.bytes_in"), bench.count("gateway.input_turns"));
    strangers.iter_mut().for_each(|stranger| stranger.send(&[0]));
    alice.send(&cancel(1));
    let mut cycles = 0;
    while bench.count("gateway.bytes_in") < bytes + 60 + cancel(1).len() as u64 {
        let before = bench.count("gateway.input_turns");
        bench.cycle();
        let taken = bench.count("gateway.input_turns") - before;
        assert!(taken <= 16 + 1, "{taken} turns in one cycle");
        cycles += 1;
        assert!(cycles < 100_000, "not all of it is read");
    }
    assert!(bench.count("gateway.input_turns") - turns >= 61);
    assert_eq!(bench.taken().len(), 1);
}

/// Nobody is to send anything before it is let in, so who closes until then is gone, and its password is not looked at.
#[test]
fn whoever_closes_while_its_login_is_looked_at_is_gone() {
    for more in [&b""[..], &[0], &cancel(1)] {
        let mut bench = Bench::new();
        let mut client = bench.connect();
        client.send(&[&login_packet(ALICE, 0), more].concat());
        let sent = (login_packet(ALICE, 0).len() + more.len()) as u64;
        // The authenticator has other things to do.
        let work = |bench: &mut Bench, done: &dyn Fn(&Bench) -> bool| {
            for _ in 0..100_000 {
                bench.gateway.do_work().expect("no fatal error");
                if done(bench) {
                    return;
                }
                std::thread::yield_now();
            }
            panic!("it never comes");
        };
        work(&mut bench, &|bench| bench.count("gateway.bytes_in") == sent);
        drop(client);
        work(&mut bench, &|bench| bench.count("gateway.connections") == 0);
        (0..20).for_each(|_| _ = bench.cycle());
        assert_eq!(bench.count("authenticator.checked"), 0);
    }
}
