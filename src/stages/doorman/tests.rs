//! The doorman by a clock of the test's own.

use super::*;
use crate::net::ConnectionId;
use crate::runtime::{ManualClock, UnixNanos};
use crate::stages::auth::{AuthClient, auth_queues};
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
