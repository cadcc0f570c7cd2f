//! Many who guess, at one name or at many, from one address or from many, and what others have to wait for them.

use super::*;

/// For how long connections may wait for an answer, ns.
const LOGIN_TIMEOUT: u64 = 30_000 * MS;

/// Somebody who guesses for ever: asks again when he was refused, and on a new connection when the old one is closed.
struct Guesser {
    name: String,
    peer: [u8; 4],
    asked: u64,
    ticket: Option<Ticket>,
}

/// Those who guess, and the answers to everybody else.
struct Crowd {
    bench: Bench,
    guessers: Vec<Guesser>,
    others: Vec<AuthAnswer>,
}

/// A connection of one who does not guess, as are those after it.
const OTHERS: u64 = 1_000_000;

impl Crowd {
    fn new(users: Vec<User>) -> Self {
        Self { bench: bench(users), guessers: Vec::new(), others: Vec::new() }
    }

    fn add(&mut self, name: &str, peer: [u8; 4]) {
        self.guessers.push(Guesser { name: name.to_owned(), peer, asked: 0, ticket: None });
    }

    fn cycle(&mut self) {
        let now = self.bench.now();
        for (connection, guesser) in self.guessers.iter_mut().enumerate() {
            let is_closed = guesser.ticket.is_some() && now - guesser.asked >= LOGIN_TIMEOUT;
            if guesser.ticket.is_none() || is_closed {
                let request = request(connection as u64, &guesser.name, "guess", guesser.peer);
                guesser.ticket = self.bench.client.ask(request);
                guesser.asked = now;
            }
        }
        self.bench.cycle();
        while let Some(answer) = self.bench.client.answers.try_take() {
            match self.guessers.get_mut(answer.connection.0 as usize) {
                Some(guesser) => {
                    assert!(answer.verdict.is_err());
                    guesser.ticket = None;
                }
                None => self.others.push(answer),
            }
        }
    }

    fn go_on_for(&mut self, time: u64) {
        let until = self.bench.now() + time;
        while self.bench.now() < until {
            self.cycle();
        }
    }

    fn looked_at(&self) -> u64 {
        self.bench.authenticator.gauges.checked.get()
    }

    /// Somebody logs in with the right password, once. How many were looked at until then, and how long it took, ns.
    fn log_in(&mut self, name: &str, password: &str, peer: [u8; 4]) -> (u64, u64) {
        let (asked, before) = (self.bench.now(), self.looked_at());
        let ticket = self.bench.client.ask(request(OTHERS, name, password, peer)).expect("room");
        self.others.clear();
        let verdict = loop {
            if let Some(answer) = self.others.iter().find(|answer| answer.connection.0 == OTHERS) {
                break answer.verdict;
            }
            assert!(self.bench.now() - asked < LOGIN_TIMEOUT, "{name} does not get in from {peer:?}");
            self.cycle();
        };
        drop(ticket);
        self.others.clear();
        assert!(verdict.is_ok(), "{name} from {peer:?}");
        (self.looked_at() - before, self.bench.now() - asked)
    }
}

/// The address of a guesser.
fn address(net: u8, number: usize) -> [u8; 4] {
    let [.., high, low] = (number as u32).to_be_bytes();
    [172, net, high, low]
}

#[test]
fn guesses_at_a_name_from_many_addresses_do_not_keep_its_owner_out_who_comes_from_a_new_one() {
    // Of the last more ask than may wait.
    for count in [40, 200, 1_100] {
        let users = vec![user("ALICE", "WONDER", Role::Trade, &[]), user("BOB", "B", Role::Trade, &[])];
        let mut crowd = Crowd::new(users);
        (0..count).for_each(|number| crowd.add("alice", address(16, number)));
        // Until each of them has been looked at, at ten in a second.
        crowd.go_on_for(count as u64 * 130 * MS);
        let (looks, _) = crowd.log_in("alice", "wonder", [10, 9, 9, 1]);
        assert!(looks <= 2, "{count} addresses: {looks} were looked at");
        let (looks, _) = crowd.log_in("bob", "b", [10, 9, 9, 2]);
        assert!(looks <= 2, "{count} addresses: {looks} were looked at before another name");
        (0..30).for_each(|number| crowd.add("alice", address(17, number)));
        crowd.cycle();
        let (looks, _) = crowd.log_in("alice", "wonder", [10, 9, 9, 3]);
        assert!(looks <= 32, "{count} addresses: {looks} were looked at, with 30 new ones");
    }
}

#[test]
fn a_stream_of_new_addresses_under_one_name_leaves_the_other_names_their_turns() {
    let users = vec![user("ALICE", "WONDER", Role::Trade, &[]), user("BOB", "B", Role::Trade, &[])];
    let mut crowd = Crowd::new(users);
    crowd.bench.ask("bob", "guess", HOME);
    crowd.bench.clock.advance(1_000 * MS);
    assert!(crowd.bench.told().expect("an answer").is_err());
    for number in 0..600 {
        crowd.add("alice", address(16, number));
        crowd.go_on_for(10 * MS);
    }
    let (looks, _) = crowd.log_in("bob", "b", HOME);
    assert!(looks <= 3, "{looks} were looked at");
}

#[test]
fn where_too_many_wait_those_give_way_whose_address_asks_most() {
    let users = vec![user("ALICE", "WONDER", Role::Trade, &[]), user("BOB", "B", Role::Trade, &[])];
    let mut crowd = Crowd::new(users);
    // So many wrong passwords that nobody is looked at for a while.
    (0..20).for_each(|number| crowd.bench.put(OTHERS, "bob", "guess", address(17, number)));
    crowd.bench.work();
    crowd.bench.tickets.clear();
    for _ in 0..8 {
        (0..150).for_each(|number| crowd.add("alice", address(16, number)));
        crowd.cycle();
    }
    assert_eq!(crowd.looked_at(), 20);
    let (looks, _) = crowd.log_in("alice", "wonder", HOME);
    assert!(looks <= 151, "{looks} were looked at: more than one of each address");
}

#[test]
fn where_too_many_wait_a_newcomer_does_not_give_way_to_those_who_had_their_turn() {
    let mut crowd = Crowd::new(vec![user("ALICE", "WONDER", Role::Trade, &[])]);
    (0..600).for_each(|number| crowd.add("alice", address(16, number)));
    crowd.go_on_for(80_000 * MS);
    // Two more questions of each, so that there are more than may wait.
    for _ in 0..2 {
        (0..600).for_each(|number| crowd.add("alice", address(16, number)));
        crowd.cycle();
    }
    assert!(crowd.bench.authenticator.gauges.unread.get() > 0, "there are too many");
    let (looks, _) = crowd.log_in("alice", "wonder", HOME);
    assert!(looks <= 2, "{looks} were looked at");
}

#[test]
fn guesses_at_all_names_from_one_address_do_not_keep_out_who_comes_from_another() {
    let users: Vec<User> =
        (0..900).map(|number| user(&format!("U{number}"), "X", Role::Trade, &[])).collect();
    let mut crowd = Crowd::new(users);
    // Where some are known, too.
    for number in 0..450 {
        crowd.bench.ask(&format!("U{number}"), "X", address(16, 0));
    }
    crowd.bench.ask("U7", "X", HOME);
    while crowd.bench.told().is_some() {}
    (0..900).for_each(|number| crowd.add(&format!("U{number}"), address(16, 0)));
    crowd.go_on_for(5_000 * MS);
    for (name, peer) in [("U7", HOME), ("U8", [10, 9, 9, 8]), ("U899", [10, 9, 9, 9])] {
        let (_, took) = crowd.log_in(name, "X", peer);
        assert!(took <= 500 * MS, "{name} got in after {} ms", took / MS);
    }
}

#[test]
fn guesses_from_a_wide_network_of_the_configuration_are_paced_and_hold_up_nobody_beside_it() {
    let users = [
        ("ALICE", &["10.0.0.0/8"] as &[&str]),
        ("BOB", &["10.0.0.0/8"]),
        ("CAROL", &["10.9.9.1/32"]),
        ("DAVE", &[]),
        ("EVE", &["10.0.0.0/8"]),
    ];
    let users = users.map(|(name, allowed)| user(name, "X", Role::Trade, allowed));
    let mut crowd = Crowd::new(users.to_vec());
    crowd.log_in("bob", "x", HOME);
    let (began, before) = (crowd.bench.now(), crowd.looked_at());
    (0..500).for_each(|number| crowd.add("alice", [10, 7, (number / 250) as u8, (number % 250) as u8]));
    crowd.go_on_for(60_000 * MS);
    let looks = crowd.looked_at() - before;
    let seconds = (crowd.bench.now() - began) / (1_000 * MS);
    assert!(looks <= 20 + 10 * seconds + 1, "{looks} in {seconds} s");
    for (name, peer, at_most) in [
        ("bob", HOME, 100),
        ("carol", [10, 9, 9, 1], 100),
        ("dave", [192, 168, 1, 1], 150),
        ("eve", [10, 9, 9, 2], 300),
        ("alice", [10, 9, 9, 3], 300),
    ] {
        let (_, took) = crowd.log_in(name, "x", peer);
        assert!(took <= at_most * MS, "{name} got in after {} ms", took / MS);
    }
}

#[test]
fn guesses_from_outside_take_no_turns_of_those_in_a_network_of_the_configuration() {
    let users = vec![user("ALICE", "X", Role::Trade, &[]), user("BOB", "X", Role::Trade, &["10.0.0.0/8"])];
    let mut crowd = Crowd::new(users);
    (0..500).for_each(|number| crowd.add("alice", address(16, number)));
    (0..500).for_each(|number| crowd.add("bob", address(17, number)));
    crowd.go_on_for(10_000 * MS);
    let (_, took) = crowd.log_in("bob", "x", HOME);
    assert!(took <= 100 * MS, "after {} ms", took / MS);
}

#[test]
fn right_passwords_in_a_loop_are_paced_and_others_do_not_wait() {
    const FIRST: u64 = OTHERS + 1;
    let users = ["ALICE", "BOB", "CAROL"].map(|name| hashed(user(name, "X", Role::Trade, &[])));
    let mut crowd = Crowd::new(users.to_vec());
    crowd.log_in("bob", "x", HOME);
    let (began, before, mut logins) = (crowd.bench.now(), crowd.looked_at(), 0);
    // From many addresses, of which some are known, and ten at a time.
    let mut tickets: Vec<Option<Ticket>> = (0..10).map(|_| None).collect();
    let mut go_on_for = |crowd: &mut Crowd, time| {
        let until = crowd.bench.now() + time;
        while crowd.bench.now() < until {
            for (number, ticket) in tickets.iter_mut().enumerate().filter(|(_, ticket)| ticket.is_none()) {
                let peer = address(16, number + logins % 3);
                *ticket = crowd.bench.client.ask(request(FIRST + number as u64, "alice", "x", peer));
            }
            crowd.cycle();
            for answer in crowd.others.drain(..) {
                assert!(answer.verdict.is_ok(), "later, and not refused");
                tickets[(answer.connection.0 - FIRST) as usize] = None;
                logins += 1;
            }
        }
    };
    go_on_for(&mut crowd, 60_000 * MS);
    let looks = crowd.looked_at() - before;
    let seconds = (crowd.bench.now() - began) / standing::LOGINS.spacing;
    let most = standing::LOGINS.burst + seconds;
    assert!((most - 2..=most).contains(&looks), "{looks} in {seconds} s");
    // While ten more wait.
    for (name, peer) in [("bob", HOME), ("carol", [10, 9, 9, 9])] {
        let (looks, took) = crowd.log_in(name, "x", peer);
        assert!(looks <= 2 && took <= 100 * MS, "{name}: {looks} in {} ms", took / MS);
    }
    let (_, took) = crowd.log_in("alice", "x", [10, 9, 9, 8]);
    assert!(took <= 2_100 * MS, "her other addresses have their turn: {} ms", took / MS);
}

#[test]
fn wrong_passwords_do_not_take_the_logins_of_a_user() {
    let mut crowd = Crowd::new(vec![hashed(user("ALICE", "X", Role::Trade, &[]))]);
    crowd.log_in("alice", "x", HOME);
    (0..100).for_each(|number| crowd.add("alice", address(16, number)));
    crowd.go_on_for(20_000 * MS);
    let ticket = crowd.bench.client.ask(request(OTHERS, "alice", "wrong", HOME)).expect("room");
    crowd.go_on_for(1_000 * MS);
    drop(ticket);
    for number in 0..standing::LOGINS.burst {
        let (_, took) = crowd.log_in("alice", "x", HOME);
        assert!(took <= 100 * MS, "login {number} after {} ms", took / MS);
    }
}
