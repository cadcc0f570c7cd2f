//! The authenticator by a clock of the test's own.

use super::*;
use crate::domain::LoginId;
use crate::net::ConnectionId;
use crate::net::auth::{AuthClient, Ticket, auth_queues};
use crate::runtime::{ManualClock, UnixNanos};
use crate::wire::soup;
use argon2::password_hash::{PasswordHasher, SaltString};
use dojima_journal::storage::FileStorage;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

mod crowds;

/// What a hash takes here.
const HASH: u64 = 30 * MS;
const DAY: u64 = 24 * 3_600_000 * MS;

struct Bench {
    authenticator: Authenticator,
    client: AuthClient,
    market: AuthClient,
    clock: ManualClock,
    /// What those who wait keep.
    tickets: Vec<Ticket>,
}

fn user(name: &str, password: &str, role: Role, allow_from: &[&str]) -> User {
    User {
        username: soup::username(name).expect("a name"),
        secret: Secret::Plain(soup::password(password).expect("a password")),
        role,
        login: matches!(role, Role::Trade | Role::DropCopy).then_some(LoginId(7)),
        allow_from: allow_from.iter().map(|net| net.parse().expect("a network")).collect(),
    }
}

/// The same user, whose password is hashed, but quickly.
fn hashed(user: User) -> User {
    let Secret::Plain(password) = &user.secret else { return user };
    let quick = argon2::Params::new(8, 1, 1, None).expect("parameters");
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, quick);
    let salt = SaltString::encode_b64(b"a grain or two").expect("salt");
    let hash = argon.hash_password(password.text(), &salt).expect("a hash");
    User { secret: Secret::from_hash(&hash.to_string()).expect("readable"), ..user }
}

fn bench(users: Vec<User>) -> Bench {
    bench_with(users, None, ManualClock::new(UnixNanos(1_000_000 * MS)))
}

fn bench_with(users: Vec<User>, dir: Option<&Path>, clock: ManualClock) -> Bench {
    let (client, server) = auth_queues();
    let (market, market_server) = auth_queues();
    let port = |server, roles: &[Role], service| AuthPort {
        server,
        roles: roles.to_vec(),
        service,
        downstream: Vec::new(),
    };
    let ports = vec![
        port(server, &[Role::Trade, Role::DropCopy], "order entry"),
        port(market_server, &[Role::MarketData, Role::Admin], "market data"),
    ];
    let files = dir.map(|dir| Arc::new(FileStorage::new(dir)) as Arc<dyn Storage>);
    let clocks = (Box::new(clock.clone()) as Box<dyn Clock>, Box::new(clock.clone()) as Box<dyn WallClock>);
    let authenticator = Authenticator::new(ports, users, files, clocks, Hasher::here(), &Counters::new());
    Bench { authenticator, client, market, clock, tickets: Vec::new() }
}

fn request(connection: u64, name: &str, password: &str, peer: [u8; 4]) -> AuthRequest {
    AuthRequest {
        connection: ConnectionId(connection),
        username: soup::username(name).expect("a name"),
        password: soup::password(password).expect("a password"),
        peer: IpAddr::V4(Ipv4Addr::from(peer)),
    }
}

impl Bench {
    fn work(&mut self) {
        while self.authenticator.do_work().expect("never fatal") > 0 {}
    }

    fn ask(&mut self, name: &str, password: &str, peer: [u8; 4]) {
        self.put(1, name, password, peer);
        self.work();
    }

    /// Asks, and leaves the authenticator as it is.
    fn put(&mut self, connection: u64, name: &str, password: &str, peer: [u8; 4]) {
        let ticket = self.client.ask(request(connection, name, password, peer));
        self.tickets.push(ticket.expect("room"));
    }

    /// One duty cycle. Looking at a password takes time.
    fn cycle(&mut self) {
        let before = self.authenticator.gauges.checked.get();
        self.authenticator.do_work().expect("never fatal");
        let checked = self.authenticator.gauges.checked.get() - before;
        self.clock.advance(if checked > 0 { HASH } else { MS });
    }

    fn now(&self) -> u64 {
        self.clock.clone().now().0
    }

    /// Whether a client was let in; `None` when there is no answer yet.
    fn told(&mut self) -> Option<Result<Grant, LoginRejected>> {
        self.work();
        self.client.answers.try_take().map(|answer| answer.verdict)
    }
}

const HOME: [u8; 4] = [10, 1, 2, 3];

#[test]
fn names_passwords_roles_and_addresses_must_all_fit() {
    let hashed = super::hash(&soup::password("Builder").expect("a password")).expect("a hash");
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
    let ticket = bench.market.ask(request(9, "watch", "tv", HOME)).expect("room");
    bench.work();
    let answer = bench.market.answers.try_take().expect("an answer through the port where it was asked");
    assert_eq!(answer.connection, ConnectionId(9));
    assert_eq!(answer.verdict, Ok(Grant { role: Role::MarketData, login: None }));
    drop(ticket);
}

#[test]
fn the_log_names_the_role_and_what_it_may_not_use() {
    let users = vec![user("ROOT", "R", Role::Admin, &[]), user("COPY", "C", Role::DropCopy, &[])];
    let mut bench = bench(users);
    for (port, name, is_right, why) in [
        (0, "root", true, "role admin may not use order entry"),
        (1, "copy", true, "role drop-copy may not use market data"),
        (0, "root", false, "wrong password"),
    ] {
        let request = request(1, name, "any", HOME);
        bench.tickets.push(bench.client.ask(request).expect("room"));
        let inquiry = bench.authenticator.ports[0].server.next().expect("asked").inquiry;
        let (class, origin) = (Class::Elsewhere, request.peer);
        let question = Question { port, request, inquiry, class, origin, ready: 0, tell_from: 0 };
        assert_eq!(bench.authenticator.grant(&question, is_right).expect_err("refused"), why);
    }
}

#[test]
fn refusals_come_later_and_later_and_others_do_not_wait() {
    let users = vec![user("ALICE", "WONDER", Role::Trade, &[]), user("BOB", "B", Role::Trade, &[])];
    let mut bench = bench(users);
    for delay_ms in [100, 200, 400, 800] {
        bench.ask("alice", "guess", HOME);
        bench.clock.advance(delay_ms * MS - 1);
        assert_eq!(bench.told(), None, "before {delay_ms} ms");
        bench.clock.advance(1);
        assert_eq!(bench.told(), Some(Err(LoginRejected::NotAuthorised)));
    }
    bench.ask("alice", "guess", HOME);
    for (name, password, peer) in [
        ("bob", "b", [10, 9, 9, 9]),
        ("bob", "b", HOME),
        ("alice", "wonder", [10, 9, 9, 9]),
        ("alice", "wonder", HOME),
    ] {
        bench.ask(name, password, peer);
        assert!(bench.told().expect("at once").is_ok(), "{name} from {peer:?} waits for no guess");
    }
    bench.clock.advance(1_600 * MS);
    assert_eq!(bench.told(), Some(Err(LoginRejected::NotAuthorised)));
}

/// How long after its question a first guess is refused.
fn first_refusal(bench: &mut Bench, name: &str, peer: [u8; 4]) -> u64 {
    let asked = bench.now();
    bench.put(77, name, "guess", peer);
    loop {
        bench.authenticator.do_work().expect("never fatal");
        let mut answers = bench.client.answers.drain();
        if let Some(answer) = answers.find(|answer| answer.connection == ConnectionId(77)) {
            assert_eq!(answer.verdict, Err(LoginRejected::NotAuthorised));
            return bench.now() - asked;
        }
        bench.clock.advance(MS);
    }
}

/// A thousand logins a second under names that nobody has, from one address, for as long as a login under `name` from
/// there takes; how long that is, ns.
fn flooded(bench: &mut Bench, name: &str, password: &str, peer: [u8; 4]) -> u64 {
    let (began, mut asked_at, mut sent) = (bench.now(), None, 0);
    loop {
        let passed = bench.now() - began;
        while sent < passed / MS {
            bench.put(1_000 + sent, &format!("Z{sent}"), "guess", peer);
            sent += 1;
        }
        if passed > 12_000 * MS && asked_at.is_none() {
            asked_at = Some(bench.now());
            bench.put(7, name, password, peer);
        }
        bench.cycle();
        // The places of strangers are few: whoever came two seconds ago has given way.
        let gone = bench.tickets.len().saturating_sub(2_048);
        bench.tickets.drain(..gone);
        while let Some(answer) = bench.client.answers.try_take() {
            if answer.connection == ConnectionId(7) {
                assert!(answer.verdict.is_ok(), "{:?}", answer.verdict);
                return bench.now() - asked_at.expect("asked");
            }
        }
        assert!(bench.now() - began < 60_000 * MS, "{name} does not get in");
    }
}

#[test]
fn a_flood_of_invented_names_from_the_same_address_keeps_nobody_out() {
    let users = ["ALICE", "BOB", "CAROL"].map(|name| {
        let allowed: &[&str] = if name == "BOB" { &["10.0.0.0/8"] } else { &[] };
        user(name, "WONDER", Role::Trade, allowed)
    });
    let mut bench = bench(users.to_vec());
    bench.ask("alice", "wonder", HOME);
    assert!(bench.told().expect("at once").is_ok());
    for (name, at_most) in [("alice", 200 * MS), ("bob", 200 * MS), ("carol", 1_000 * MS)] {
        let took = flooded(&mut bench, name, "wonder", HOME);
        assert!(took <= at_most, "{name} got in after {} ms", took / MS);
    }
    let gauges = &bench.authenticator.gauges;
    let seconds = (bench.now() - 1_000_000 * MS) / (1_000 * MS);
    assert!(
        gauges.checked.get() < 2 * seconds + 10,
        "few are hashed: {} in {seconds} s",
        gauges.checked.get()
    );
    assert!(gauges.unhashed.get() > 900 * seconds, "the others are answered without");
}

#[test]
fn an_invented_name_is_answered_as_a_wrong_password_is() {
    let members =
        || vec![user("ALICE", "WONDER", Role::Trade, &[]), user("BOB", "B", Role::Trade, &["10.9.0.0/16"])];
    let mut took = Vec::new();
    for name in ["alice", "bob", "mallet"] {
        let mut bench = bench(members());
        let quiet = first_refusal(&mut bench, name, HOME);
        // So many invented names that no more of them are hashed.
        for number in 0..50 {
            bench.put(number, &format!("Y{number}"), "guess", [172, 16, 0, number as u8]);
        }
        bench.authenticator.do_work().expect("never fatal");
        let unhashed = bench.authenticator.gauges.unhashed.get();
        let in_flood = first_refusal(&mut bench, name, [10, 7, 7, 7]);
        assert_eq!(bench.authenticator.gauges.unhashed.get() > unhashed, name != "alice", "which are hashed");
        bench.clock.advance(FLOOD_NS);
        let after = first_refusal(&mut bench, name, [10, 7, 7, 8]);
        took.push((name, [quiet, in_flood, after]));
    }
    for (name, times) in &took {
        assert_eq!(*times, [100 * MS, FLOOD_DELAY_NS, 400 * MS], "{name}");
    }
}

/// A few invented names, the candidate, and a few more: neither its own refusal nor those after it tell whether somebody has it.
#[test]
fn a_handful_of_logins_does_not_tell_whether_somebody_has_the_name() {
    let members =
        || vec![user("ALICE", "WONDER", Role::Trade, &[]), user("BOB", "B", Role::Trade, &["10.0.0.0/8"])];
    for before in 0..8 {
        let mut took = Vec::new();
        for name in ["alice", "bob", "mallet"] {
            let mut bench = bench(members());
            for number in 0..before {
                bench.put(number, &format!("Y{number}"), "guess", [172, 16, 0, number as u8]);
            }
            bench.authenticator.do_work().expect("never fatal");
            let own = first_refusal(&mut bench, name, [10, 7, 7, 7]);
            let next = first_refusal(&mut bench, "nobody", [172, 16, 1, 1]);
            took.push([own, next]);
        }
        assert!(took.iter().all(|times| *times == took[0]), "after {before}: {took:?}");
    }
}

#[test]
fn whoever_is_gone_costs_nothing() {
    let mut bench = bench(vec![user("ALICE", "WONDER", Role::Trade, &[])]);
    for connection in 0..5 {
        bench.put(connection, "alice", "guess", HOME);
    }
    bench.tickets.pop();
    bench.authenticator.do_work().expect("never fatal");
    assert_eq!(
        (bench.authenticator.gauges.checked.get(), bench.authenticator.gauges.withdrawn.get()),
        (1, 1)
    );
    bench.tickets.clear();
    bench.clock.advance(60_000 * MS);
    assert_eq!(bench.told(), None, "nobody is there to be told");
    assert_eq!(
        (bench.authenticator.gauges.checked.get(), bench.authenticator.gauges.withdrawn.get()),
        (1, 4)
    );
}

#[test]
fn connections_are_kept_until_their_passwords_were_looked_at() {
    let mut bench = bench(vec![user("ALICE", "WONDER", Role::Trade, &[])]);
    bench.ask("alice", "wonder", HOME);
    bench.tickets.clear();
    bench.put(1, "alice", "wonder", [10, 9, 9, 9]);
    bench.put(2, "alice", "guess", HOME);
    bench.put(3, "mallet", "guess", HOME);
    bench.put(4, "alice", "wonder", HOME);
    let claims = |bench: &Bench| bench.tickets.iter().map(Ticket::claim).collect::<Vec<_>>();
    assert_eq!(claims(&bench), [Claim::Named, Claim::Named, Claim::None, Claim::Named]);
    bench.authenticator.do_work().expect("never fatal");
    let known = claims(&bench).into_iter().filter(|claim| *claim == Claim::Known).count();
    assert!(known > 0, "some are still to be looked at");
    for _ in 0..3 {
        bench.authenticator.do_work().expect("never fatal");
    }
    assert_eq!(claims(&bench)[1..3], [Claim::None; 2], "they were looked at, and wait for their refusals");
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
fn guesses_at_a_name_do_not_make_its_owner_wait() {
    let users = vec![user("ALICE", "WONDER", Role::Trade, &[]), user("BOB", "B", Role::Trade, &[])];
    let mut bench = bench(users);
    bench.ask("alice", "wonder", HOME);
    assert!(bench.told().expect("at once").is_ok());
    guess_at(&mut bench, "alice", 10);
    // More at once than are looked at of all names together.
    for number in 0..200 {
        bench.put(0, "alice", "guess", [172, 16, 1, number]);
    }
    let before = bench.authenticator.gauges.checked.get();
    bench.work();
    assert_eq!(bench.authenticator.gauges.checked.get() - before, NEW_FAILURES.burst, "the rest waits");
    bench.put(1, "alice", "wonder", HOME);
    bench.cycle();
    let answer = bench.client.answers.try_take().expect("at once");
    assert_eq!((answer.connection, answer.verdict.is_ok()), (ConnectionId(1), true), "where she has come in");
    bench.put(2, "bob", "b", [10, 9, 9, 9]);
    let asked = bench.now();
    while bench.client.answers.is_empty() {
        bench.cycle();
    }
    assert!(
        bench.now() - asked <= 200 * MS,
        "names from elsewhere take turns: {} ms",
        (bench.now() - asked) / MS
    );
}

#[test]
fn guesses_from_an_address_are_looked_at_slowly() {
    let mut bench = bench(vec![user("ALICE", "WONDER", Role::Trade, &[])]);
    let office = [10, 9, 9, 9];
    for peer in [HOME, office] {
        bench.ask("alice", "wonder", peer);
        assert!(bench.told().expect("at once").is_ok());
    }
    for number in 0..100 {
        bench.put(number, "alice", "guess", HOME);
    }
    bench.work();
    let before = bench.authenticator.gauges.checked.get();
    assert_eq!(before, 2 + TRIES.burst);
    bench.clock.advance(10_000 * MS);
    bench.work();
    assert_eq!(bench.authenticator.gauges.checked.get() - before, 10, "one a second");
    assert_eq!(
        bench.authenticator.gauges.unread.get(),
        100 - 64,
        "others would wait for longer than connections may"
    );
    while bench.told().is_some() {}
    bench.ask("alice", "wonder", office);
    assert!(bench.told().expect("at once").is_ok(), "the other address");
}

#[test]
fn a_right_password_lets_the_others_of_its_address_go_ahead() {
    let mut bench = bench(vec![user("ALICE", "WONDER", Role::Trade, &[])]);
    for connection in 0..40 {
        bench.put(connection, "alice", "wonder", HOME);
    }
    bench.work();
    assert_eq!(bench.client.answers.drain().count(), 40);
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
    bench.ask("alice", "guess", HOME);
    bench.clock.advance(100 * MS);
    assert_eq!(bench.told(), Some(Err(LoginRejected::NotAuthorised)), "a first failure from within");
    for (name, password) in [("alice", "wonder"), ("bob", "b")] {
        bench.ask(name, password, HOME);
        assert!(bench.told().expect("at once").is_ok(), "{name}");
    }
}

#[test]
fn only_the_last_addresses_of_a_name_are_known_and_only_for_thirty_days() {
    let mut bench = bench(vec![user("ALICE", "WONDER", Role::Trade, &[])]);
    let homes = 0..standing::REGULARS_MAX as u8 + 1;
    for home in homes.clone() {
        bench.ask("alice", "wonder", [10, 0, 0, home]);
        assert!(bench.told().expect("at once").is_ok());
    }
    let class = |bench: &Bench, home: u8| {
        let time = UnixNanos(bench.now());
        let name = soup::username("alice").expect("a name");
        bench.authenticator.members[&name].class(IpAddr::from([10, 0, 0, home]), time)
    };
    for home in homes {
        let expected = if home > 0 { Class::Known } else { Class::Elsewhere };
        assert_eq!(class(&bench, home), expected, "{home}: the one that was used longest ago is forgotten");
    }
    bench.clock.advance(30 * DAY);
    assert_eq!(class(&bench, 1), Class::Known);
    bench.clock.advance(1);
    assert_eq!(class(&bench, 1), Class::Elsewhere);
}

/// The class of a login from home after a start on this directory.
fn class_after_start(dir: &Path, clock: &ManualClock) -> Class {
    let bench = bench_with(vec![user("ALICE", "WONDER", Role::Trade, &[])], Some(dir), clock.clone());
    let time = clock.clone().time();
    bench.authenticator.members[&soup::username("alice").expect("a name")].class(IpAddr::from(HOME), time)
}

#[test]
fn where_a_name_has_come_in_is_known_after_a_start() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let clock = ManualClock::new(UnixNanos(1_000 * DAY));
    let users = vec![user("ALICE", "WONDER", Role::Trade, &[]), user("BOB", "B", Role::Trade, &[])];
    let mut bench = bench_with(users, Some(dir.path()), clock.clone());
    bench.ask("alice", "wonder", HOME);
    bench.ask("bob", "b", HOME);
    bench.work();
    // No end in good order: what is written is written while it runs.
    clock.advance(2_000 * MS);
    bench.work();
    drop(bench);
    let path = dir.path().join(KNOWN_ADDRESSES_FILE);
    let mode = std::fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(class_after_start(dir.path(), &clock), Class::Known);
    clock.advance(30 * DAY + 1);
    assert_eq!(class_after_start(dir.path(), &clock), Class::Elsewhere, "too long ago");
    // A clock that was ahead is not believed for longer than any other.
    clock.step_wall(-(40 * DAY as i64));
    assert_eq!(class_after_start(dir.path(), &clock), Class::Known);
    let text = std::fs::read_to_string(&path).expect("text");
    for damaged in ["", "ALICE", &text[..text.len() - 1], &text.replace("ALICE", "MALICE")] {
        std::fs::write(&path, damaged).expect("written");
        assert_eq!(class_after_start(dir.path(), &clock), Class::Elsewhere, "{damaged:?}");
    }
    std::fs::write(&path, text).expect("written");
    assert_eq!(class_after_start(dir.path(), &clock), Class::Known);
}

#[test]
fn what_is_new_is_written_although_somebody_always_waits() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let clock = ManualClock::new(UnixNanos(1_000 * DAY));
    let mut bench =
        bench_with(vec![user("ALICE", "WONDER", Role::Trade, &[])], Some(dir.path()), clock.clone());
    bench.ask("alice", "wonder", HOME);
    bench.work();
    for second in 0..15 {
        // Of so many from one address one always waits for its time.
        for number in 0..20 {
            bench.put(number, "alice", "guess", [172, 16, 0, second]);
        }
        bench.work();
        clock.advance(1_000 * MS);
    }
    assert_eq!(class_after_start(dir.path(), &clock), Class::Known);
}

#[test]
fn what_waits_is_bounded() {
    let users: Vec<User> = (0..40).map(|number| user(&format!("U{number}"), "X", Role::Trade, &[])).collect();
    let mut bench = bench(users);
    for number in 0..3_000_u32 {
        let [.., high, low] = number.to_be_bytes();
        bench.put(1, "U0", "guess", [172, 16, high, low]);
        if number % 500 == 0 {
            bench.authenticator.do_work().expect("never fatal");
        }
    }
    bench.put(2, "U1", "X", [172, 17, 0, 1]);
    for _ in 0..3 {
        bench.authenticator.do_work().expect("never fatal");
    }
    assert_eq!(bench.authenticator.lines[Class::Elsewhere as usize].len(), line::WAITING_MAX - 3);
    let answer = bench.client.answers.try_take().expect("an answer");
    assert_eq!((answer.connection, answer.verdict.is_ok()), (ConnectionId(2), true), "others find room");
}

#[test]
fn answers_that_find_no_room_are_given_later() {
    let users: Vec<User> =
        (0..1_500).map(|number| user(&format!("U{number}"), "X", Role::Trade, &[])).collect();
    let mut bench = bench(users);
    for number in 0..1_500 {
        bench.put(number, &format!("U{number}"), "X", HOME);
        if number % 100 == 99 {
            bench.work();
        }
    }
    let first = bench.client.answers.drain().count();
    assert_eq!(first, crate::net::auth::QUEUE_LEN);
    bench.work();
    assert_eq!(first + bench.client.answers.drain().count(), 1_500);
}

#[test]
fn addresses_take_turns() {
    let mut bench = bench(vec![user("BOB", "B", Role::Trade, &[])]);
    for connection in 0..8 {
        bench.put(connection, "BOB", "B", HOME);
    }
    bench.put(999, "BOB", "B", [10, 9, 9, 9]);
    for _ in 0..2 {
        bench.authenticator.do_work().expect("never fatal");
    }
    let answered: Vec<u64> = bench.client.answers.drain().map(|answer| answer.connection.0).collect();
    assert_eq!(answered, [0, 999]);
}
