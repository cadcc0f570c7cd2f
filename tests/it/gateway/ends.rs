//! Sessions that end: everything up to the last message, the word that it was that, and a stream that begins anew.

use super::bench::{ALICE, BOB, Bench, Client, SECOND, cancel, login_packet, settings};
use dojima::domain::{Command, ConnectionLoss, OrderCommand, Sender, UserRef};
use dojima::stages::resend::{ResendAnswer, ResendQuery};
use dojima::wire::soup::{self, END_OF_SESSION, LoginAccepted, LoginRejected, LoginRequest, SessionId, kind};
use std::time::Duration;

/// Alice's login in a session that she names, from message 1.
fn login_to(session: &str) -> Vec<u8> {
    login_from(session, 1)
}

/// The same from another message.
fn login_from(session: &str, sequence: u64) -> Vec<u8> {
    let request = LoginRequest {
        username: soup::username("ALICE").expect("a name"),
        password: soup::password("WONDER").expect("a password"),
        session: SessionId::new(session),
        sequence,
        heartbeat_timeout_ms: None,
    };
    let mut bytes = Vec::new();
    request.push(&mut bytes);
    bytes
}

/// All that the client gets until its connection is closed.
fn all_of_it(bench: &mut Bench, client: &mut Client) -> Vec<u8> {
    bench.until("the connection to be closed", |bench| {
        bench.archive(7, u64::MAX - 1);
        bench.clock.advance(SECOND / 10_000);
        client.receive();
        client.closed
    });
    std::mem::take(&mut client.received)
}

#[test]
fn a_client_gets_all_of_its_session_and_then_the_end() {
    let mut bench = Bench::new();
    let (mut alice, _) = bench.log_in(ALICE, 1);
    for _ in 0..10 {
        bench.tell(ALICE);
    }
    bench.roll();
    bench.tell(ALICE);
    let mut expected = bench.ended[1].concat();
    expected.extend(END_OF_SESSION);
    assert_eq!(all_of_it(&mut bench, &mut alice), expected);

    let (mut alice, number) = bench.log_in(ALICE, 1);
    assert_eq!(number, 1);
    bench.tell(ALICE);
    bench.expect_stream(&mut alice, ALICE, 1);
    assert_eq!(bench.streams[1].len(), 3);
}

#[test]
fn a_client_that_is_far_behind_gets_all_of_its_session_too() {
    for behind in [1, 399, 400, 401, 402] {
        let mut bench = Bench::with(settings(), 16, &[0, 400, 0]);
        let (mut alice, _) = bench.log_in(ALICE, behind);
        bench.tell(ALICE);
        // Some of it is on its way when the session ends.
        for _ in 0..20 {
            bench.archive(3, 200);
            bench.cycle();
        }
        bench.roll();
        for _ in 0..50 {
            bench.tell(ALICE);
        }
        let mut expected = bench.ended[1][behind as usize - 1..].concat();
        expected.extend(END_OF_SESSION);
        let got = all_of_it(&mut bench, &mut alice);
        let after_login = &got[got.len() - expected.len()..];
        assert!(after_login == expected, "from {behind}");
    }
}

/// What came back for a login, and all that followed.
fn answer_and_rest(bench: &mut Bench, login: &[u8]) -> (LoginAccepted, Vec<u8>) {
    let mut client = bench.connect();
    client.send(login);
    let got = all_of_it(bench, &mut client);
    let (packet, used) = soup::frame(&got, 64).expect("SoupBinTCP").expect("an answer");
    assert_eq!(packet.kind, kind::LOGIN_ACCEPTED, "{got:?}");
    (LoginAccepted::decode(packet.payload).expect("a Login Accepted"), got[used..].to_vec())
}

#[test]
fn sessions_that_have_ended_can_be_read_to_their_end() {
    let mut bench = Bench::new();
    let mut sessions = Vec::new();
    for count in [3, 70, 5] {
        (0..count).for_each(|_| bench.tell(ALICE));
        bench.roll();
        sessions.push(bench.ended[1].clone());
    }
    for (session, messages) in ["DAY1", "day2", "DAY3"].into_iter().zip(&sessions) {
        let end = messages.len() as u64 + 1;
        for (asked, first) in [(1, 1), (2, 2), (end - 1, end - 1), (end, end), (0, end), (u64::MAX, end)] {
            let (accepted, rest) = answer_and_rest(&mut bench, &login_from(session, asked));
            assert_eq!(accepted.session.to_string(), session.to_ascii_uppercase());
            assert_eq!(accepted.sequence, first, "{session} from {asked}");
            let expected = [&messages[first as usize - 1..].concat()[..], &END_OF_SESSION].concat();
            assert!(rest == expected, "{session} from {asked}");
        }
    }
    for session in ["DAY5", "DAY9", "DAY0", "OTHER"] {
        let mut client = bench.connect();
        client.send(&login_to(session));
        assert_eq!(bench.bytes(&mut client, 4), LoginRejected::SessionNotAvailable.packet(), "{session}");
    }
    let mut right = bench.connect();
    right.send(&login_to("day4"));
    let (kind, payload) = bench.next_packet(&mut right);
    assert_eq!(kind, kind::LOGIN_ACCEPTED);
    let accepted = LoginAccepted::decode(&payload).expect("a Login Accepted");
    assert_eq!((accepted.session.to_string().as_str(), accepted.sequence), ("DAY4", 1));
}

#[test]
fn a_session_that_is_not_kept_any_more_is_not_available() {
    let mut bench = Bench::new();
    bench.roll();
    let mut client = bench.connect();
    client.send(&login_to("DAY1"));
    let mut found = None;
    bench.until("the question", |bench| {
        found = bench.archiver.queries.try_recv().ok();
        found.is_some()
    });
    let Some(ResendQuery::Find { login, session, connection }) = found else { panic!("{found:?}") };
    let answer = ResendAnswer::Found { connection, login, session, messages: None };
    bench.archiver.answers.try_give(answer.clone()).expect("room");
    assert_eq!(bench.bytes(&mut client, 4), LoginRejected::SessionNotAvailable.packet());
    // An answer that nobody waits for any more.
    bench.archiver.answers.try_give(answer).expect("room");
    (0..10).for_each(|_| _ = bench.cycle());
    assert!(bench.archiver.answers.is_empty());
}

/// Who reads an old session sends no orders, and its orders are not safe because of it.
#[test]
fn for_its_orders_a_login_is_absent_while_it_reads_an_old_session() {
    let mut settings = settings();
    settings.logins[0].cancel_on_disconnect = Some(Duration::from_secs(2));
    let mut bench = Bench::with(settings, 16, &[0, 0, 0]);
    bench.roll();
    let (_present, _) = bench.log_in(ALICE, 0);
    let mut reading = bench.connect();
    reading.send(&[&login_to("DAY1")[..], &cancel(7)].concat());
    bench.until("both at once never", |bench| {
        bench.archive(0, 0);
        reading.receive();
        !reading.received.is_empty()
    });
    assert_eq!(bench.count("gateway.connections"), 1, "the other connection has ended");
    for _ in 0..300 {
        bench.clock.advance(SECOND / 100);
        bench.cycle();
        // A heartbeat.
        reading.send(&[0, 1, b'R']);
    }
    let taken = bench.taken();
    assert!(
        matches!(
            taken[..],
            [Command::Order(OrderCommand::CancelLogin { login: ALICE, cause: ConnectionLoss::Disconnected })]
        ),
        "{taken:?}"
    );
    assert_eq!(bench.count("gateway.connections"), 1, "it is still there");
}

#[test]
fn orders_after_the_end_are_not_taken() {
    let mut bench = Bench::new();
    let (mut alice, _) = bench.log_in(ALICE, 1);
    let (mut bob, _) = bench.log_in(BOB, 1);
    bench.roll();
    bench.until("the end", |bench| {
        alice.receive();
        bench.count("gateway.messages_out") == 4
    });
    alice.send(&cancel(7));
    all_of_it(&mut bench, &mut alice);
    assert_eq!(bench.taken(), []);
    all_of_it(&mut bench, &mut bob);
    assert_eq!(bench.count("gateway.slow_disconnects") + bench.count("gateway.bad_frames"), 0);
}

/// What is in the rings when the session ends says of which session it was.
#[test]
fn commands_say_of_which_session_their_connection_is() {
    let mut bench = Bench::new();
    for session in 0..3 {
        let (mut alice, _) = bench.log_in(ALICE, 1);
        alice.send(&[cancel(7), cancel(8)].concat());
        bench.until("two commands", |bench| bench.commands.waiting() == 2);
        bench.roll();
        let senders: Vec<_> = bench.taken().iter().map(Command::sender).collect();
        let sender = |user_ref| Some(Sender { login: ALICE, session, user_ref: UserRef(user_ref) });
        assert_eq!(senders, [sender(7), sender(8)]);
        all_of_it(&mut bench, &mut alice);
    }
}

#[test]
fn a_client_that_comes_back_during_the_end_takes_over() {
    let mut bench = Bench::with(settings(), 16, &[0, 400, 0]);
    let (mut old, _) = bench.log_in(ALICE, 1);
    bench.roll();
    bench.until("the roll", |bench| bench.count("gateway.messages_out") == 4);
    let mut new = bench.connect();
    new.send(&login_packet(ALICE, 1));
    let (kind, _) = bench.next_packet(&mut new);
    assert_eq!(kind, kind::LOGIN_ACCEPTED);
    bench.expect_stream(&mut new, ALICE, 1);
    bench.until_closed(&mut old);
    bench.tell(ALICE);
    bench.expect_stream(&mut new, ALICE, 2);
}

#[test]
fn one_session_after_another_is_told_of_by_its_own_name() {
    let mut bench = Bench::new();
    for _ in 1..=8 {
        let (mut alice, number) = bench.log_in(ALICE, 0);
        assert_eq!(number, bench.streams[1].len() as u64 + 1);
        for _ in 0..5 {
            bench.tell(ALICE);
        }
        bench.roll();
        let got = all_of_it(&mut bench, &mut alice);
        let (packet, _) = soup::frame(&got[got.len() - 3..], 64).expect("SoupBinTCP").expect("whole");
        assert_eq!(packet.kind, kind::END_OF_SESSION);
        assert_eq!(got.len(), bench.ended[1][number as usize - 1..].concat().len() + 3);
    }
}

#[test]
fn a_client_that_is_two_sessions_behind_gets_all_of_its_own() {
    let mut bench = Bench::with(settings(), 16, &[0, 400, 0]);
    let (mut alice, _) = bench.log_in(ALICE, 1);
    bench.roll();
    bench.until("the first roll", |bench| bench.count("gateway.messages_out") == 4);
    let expected = [&bench.ended[1].concat()[..], &END_OF_SESSION].concat();
    bench.roll();
    bench.until("the second roll", |bench| bench.count("gateway.messages_out") == 8);
    assert!(all_of_it(&mut bench, &mut alice) == expected);
}
