//! The doorman by a clock of the test's own.

use super::*;
use crate::net::ConnectionId;
use crate::net::auth::{AuthClient, auth_queues};
use crate::runtime::{ManualClock, UnixNanos};
use crate::wire::soup::Password;
use std::net::Ipv4Addr;

const MS: u64 = 1_000_000;

struct Bench {
    doorman: Doorman,
    client: AuthClient,
    market: AuthClient,
    clock: ManualClock,
}

fn user(name: &str, password: &str, role: Role, allow_from: &[&str]) -> User {
    User {
        username: Username::new(name).expect("a name"),
        secret: Secret::Plain(Password::new(password).expect("a password")),
        role,
        login: matches!(role, Role::Trade | Role::DropCopy).then_some(LoginId(7)),
        allow_from: allow_from.iter().map(|net| net.parse().expect("a network")).collect(),
    }
}

fn bench(users: Vec<User>) -> Bench {
    let (client, server) = auth_queues();
    let (market, market_server) = auth_queues();
    let clock = ManualClock::new(UnixNanos(1_000_000 * MS));
    let door = |server, roles: &[Role]| Door { server, roles: roles.to_vec(), downstream: Vec::new() };
    let doors = vec![
        door(server, &[Role::Trade, Role::DropCopy]),
        door(market_server, &[Role::MarketData, Role::Admin]),
    ];
    let doorman = Doorman::new(doors, users, Box::new(clock.clone()), &Counters::new());
    Bench { doorman, client, market, clock }
}

fn request(connection: u64, name: &str, password: &str, peer: [u8; 4]) -> AuthRequest {
    AuthRequest {
        connection: ConnectionId(connection),
        username: Username::new(name).expect("a name"),
        password: Password::new(password).expect("a password"),
        peer: IpAddr::V4(Ipv4Addr::from(peer)),
    }
}

impl Bench {
    fn work(&mut self) {
        while self.doorman.do_work().expect("never fatal") > 0 {}
    }

    fn ask(&mut self, name: &str, password: &str, peer: [u8; 4]) {
        self.client.requests.try_send(request(1, name, password, peer)).expect("room");
        self.work();
    }

    /// Whether the client was let in; `None` when there is no answer yet.
    fn told(&mut self) -> Option<Result<Grant, LoginRejected>> {
        self.work();
        self.client.answers.try_recv().ok().map(|answer| answer.verdict)
    }
}

const HOME: [u8; 4] = [10, 1, 2, 3];

#[test]
fn names_passwords_roles_and_addresses_must_all_fit() {
    let hashed = super::hash(&Password::new("Builder").expect("a password")).expect("a hash");
    let bob =
        User { secret: Secret::from_hash(&hashed).expect("a hash"), ..user("BOB", "X", Role::DropCopy, &[]) };
    let users = vec![
        user("ALICE", "WONDER", Role::Trade, &["10.0.0.0/8", "192.168.7.1/32"]),
        bob,
        user("WATCH", "TV", Role::MarketData, &[]),
    ];
    let cases = [
        ("alice", "wonder", HOME, Some(Role::Trade)),
        ("alice", "wonder", [192, 168, 7, 1], Some(Role::Trade)),
        ("alice", "wonder", [192, 168, 7, 2], None),
        ("alice", "wonders", HOME, None),
        ("bob", "builder", HOME, Some(Role::DropCopy)),
        ("bob", "wonder", HOME, None),
        ("watch", "tv", HOME, None),
        ("carol", "wonder", HOME, None),
    ];
    for (name, password, peer, role) in cases {
        let mut bench = bench(users.clone());
        bench.ask(name, password, peer);
        bench.clock.advance(200 * MS);
        let verdict = bench.told().expect("an answer");
        let wanted = role.map(|role| Grant { role, login: Some(LoginId(7)) });
        assert_eq!(verdict, wanted.ok_or(LoginRejected::NotAuthorised), "{name} {password} {peer:?}");
    }
    let mut bench = bench(users);
    bench.market.requests.try_send(request(9, "watch", "tv", HOME)).expect("room");
    bench.work();
    let answer = bench.market.answers.try_recv().expect("an answer at the door where it was asked");
    assert_eq!(answer.connection, ConnectionId(9));
    assert_eq!(answer.verdict, Ok(Grant { role: Role::MarketData, login: None }));
}

#[test]
fn refusals_come_later_and_later_and_others_do_not_wait() {
    let mut bench =
        bench(vec![user("ALICE", "WONDER", Role::Trade, &[]), user("BOB", "B", Role::Trade, &[])]);
    for delay_ms in [100, 200, 400, 800] {
        bench.ask("alice", "guess", HOME);
        bench.clock.advance(delay_ms * MS - 1);
        assert_eq!(bench.told(), None, "before {delay_ms} ms");
        bench.clock.advance(1);
        assert_eq!(bench.told(), Some(Err(LoginRejected::NotAuthorised)));
    }
    bench.ask("alice", "guess", HOME);
    bench.ask("bob", "b", [10, 9, 9, 9]);
    assert!(bench.told().expect("at once").is_ok(), "another address and another name");
    bench.ask("alice", "wonder", [10, 9, 9, 9]);
    assert_eq!(bench.told(), None, "a name that is being guessed waits, wherever it comes from");
    bench.clock.advance(1_600 * MS);
    let both = [bench.told(), bench.told()].map(|verdict| verdict.expect("an answer").is_ok());
    assert!(both.contains(&true) && both.contains(&false));
    bench.ask("alice", "wonder", [10, 9, 9, 9]);
    assert!(bench.told().expect("at once").is_ok(), "a name that has come in starts anew");
}

/// Guesses at a name from many addresses, `count` of them, each when the one before has been refused.
fn guess_at(bench: &mut Bench, name: &str, count: u8) {
    for number in 0..count {
        bench.ask(name, "guess", [172, 16, 0, number]);
        bench.clock.advance(8_000 * MS);
        assert_eq!(bench.told(), Some(Err(LoginRejected::NotAuthorised)), "guess {number}");
    }
}

#[test]
fn guesses_of_strangers_do_not_hold_up_where_a_name_has_come_in() {
    let mut bench = bench(vec![user("ALICE", "WONDER", Role::Trade, &[])]);
    bench.ask("alice", "wonder", HOME);
    assert!(bench.told().expect("at once").is_ok());
    guess_at(&mut bench, "alice", 10);
    bench.ask("alice", "guess", [172, 16, 1, 1]);
    bench.ask("alice", "wonder", HOME);
    assert!(bench.told().expect("at once").is_ok(), "an address where the name has come in");
    bench.ask("alice", "wonder", [10, 9, 9, 9]);
    bench.clock.advance(8_000 * MS - 1);
    assert_eq!(
        bench.told(),
        None,
        "a new address is a stranger's, and the guesses of strangers count together"
    );
    bench.clock.advance(1);
    assert_eq!(bench.told(), Some(Err(LoginRejected::NotAuthorised)), "the guess");
    assert!(bench.told().expect("the new address").is_ok());
}

#[test]
fn guesses_from_where_a_name_has_come_in_are_slowed_by_themselves() {
    let mut bench = bench(vec![user("ALICE", "WONDER", Role::Trade, &[])]);
    let office = [10, 9, 9, 9];
    for peer in [HOME, office] {
        bench.ask("alice", "wonder", peer);
        assert!(bench.told().expect("at once").is_ok());
    }
    for delay_ms in [100, 200, 400] {
        bench.ask("alice", "guess", HOME);
        bench.clock.advance(delay_ms * MS - 1);
        assert_eq!(bench.told(), None, "before {delay_ms} ms");
        bench.clock.advance(1);
        assert_eq!(bench.told(), Some(Err(LoginRejected::NotAuthorised)));
    }
    bench.ask("alice", "guess", HOME);
    bench.ask("alice", "wonder", office);
    assert!(bench.told().expect("at once").is_ok(), "the other address");
    bench.ask("alice", "guess", [172, 16, 0, 1]);
    bench.clock.advance(100 * MS);
    assert!(bench.told().expect("a first guess").is_err(), "a stranger's first one");
}

#[test]
fn many_waiting_guesses_leave_room_for_where_a_name_has_come_in() {
    let mut bench = bench(vec![user("ALICE", "WONDER", Role::Trade, &[])]);
    bench.ask("alice", "wonder", HOME);
    assert!(bench.told().expect("at once").is_ok());
    for number in 0..100 {
        bench.ask("alice", "guess", [172, 16, 2, number]);
    }
    bench.ask("alice", "wonders", HOME);
    bench.ask("alice", "wonder", HOME);
    bench.clock.advance(100 * MS);
    let verdicts: Vec<bool> = std::iter::from_fn(|| bench.told()).map(|verdict| verdict.is_ok()).collect();
    assert_eq!(
        verdicts.iter().filter(|is_in| **is_in).count(),
        1,
        "after the delay of its own: {verdicts:?}"
    );
}

#[test]
fn guesses_from_where_a_name_may_not_come_from_count_by_themselves_and_take_as_long() {
    let mut bench = bench(vec![
        user("ALICE", "WONDER", Role::Trade, &["10.0.0.0/8"]),
        user("BOB", "B", Role::Trade, &[]),
    ]);
    // Neither of them has come in yet. What the guesser is told tells the two apart by nothing.
    for (name, password) in [("alice", "wonder"), ("bob", "guess")] {
        for (number, delay_ms) in
            [100, 200, 400, 800, 1_600, 3_200, 6_400, 8_000, 8_000].into_iter().enumerate()
        {
            bench.ask(name, password, [172, 16, name.len() as u8, number as u8]);
            bench.clock.advance(delay_ms * MS - 1);
            assert_eq!(bench.told(), None, "{name} before {delay_ms} ms");
            bench.clock.advance(1);
            assert_eq!(bench.told(), Some(Err(LoginRejected::NotAuthorised)), "{name} after {delay_ms} ms");
        }
    }
    bench.ask("alice", "wonder", [172, 17, 0, 1]);
    bench.ask("bob", "guess", [172, 17, 0, 2]);
    bench.ask("alice", "wonder", HOME);
    assert!(bench.told().expect("at once").is_ok(), "from where the guesser may not come from");
    bench.ask("bob", "b", HOME);
    assert_eq!(bench.told(), None, "anybody may come from anywhere: a stranger waits with the guesser");
    // Who guesses from within counts with those within.
    bench.ask("alice", "guess", [10, 0, 0, 1]);
    bench.ask("alice", "wonder", [10, 0, 0, 2]);
    assert_eq!(bench.told(), None, "a stranger from within");
    bench.ask("alice", "wonder", HOME);
    assert!(bench.told().expect("at once").is_ok(), "where it has come in");
}

#[test]
fn only_the_last_addresses_of_a_name_are_remembered() {
    let mut bench = bench(vec![user("ALICE", "WONDER", Role::Trade, &[])]);
    let homes = 0..standing::REGULARS_MAX as u8 + 1;
    for home in homes.clone().chain([1]) {
        bench.ask("alice", "wonder", [10, 0, 0, home]);
        assert!(bench.told().expect("at once").is_ok());
    }
    bench.ask("alice", "guess", [172, 16, 0, 1]);
    for home in homes.rev() {
        bench.ask("alice", "wonder", [10, 0, 0, home]);
        assert_eq!(
            bench.told().is_some(),
            home > 0,
            "the address that was used longest ago is forgotten: {home}"
        );
    }
}

#[test]
fn a_flood_from_one_address_is_left_unread() {
    let mut bench = bench(vec![user("BOB", "B", Role::Trade, &[])]);
    bench.ask("mallet", "guess", HOME);
    for connection in 0..500 {
        let name = format!("M{connection}");
        bench.client.requests.try_send(request(connection, &name, "guess", HOME)).expect("room");
    }
    bench.client.requests.try_send(request(999, "BOB", "B", [10, 9, 9, 9])).expect("room");
    bench.work();
    let answers: Vec<AuthAnswer> = bench.client.answers.try_iter().collect();
    // Nobody of the flood is told that a password was wrong that nobody has looked at.
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].connection, ConnectionId(999));
    assert!(answers[0].verdict.is_ok());
    assert!(bench.doorman.unread.get() >= 500 - SLOWED_MAX as u64);
    assert!(bench.doorman.checked.get() <= 2, "no password of the flood was checked");
}

#[test]
fn addresses_take_turns() {
    let mut bench = bench(vec![user("BOB", "B", Role::Trade, &[])]);
    for connection in 0..100 {
        bench.client.requests.try_send(request(connection, "BOB", "B", HOME)).expect("room");
    }
    bench.client.requests.try_send(request(999, "BOB", "B", [10, 9, 9, 9])).expect("room");
    for _ in 0..2 {
        bench.doorman.do_work().expect("never fatal");
    }
    let answered: Vec<u64> = bench.client.answers.try_iter().map(|answer| answer.connection.0).collect();
    assert_eq!(answered, [0, 999]);
}
