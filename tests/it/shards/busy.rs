//! A shard that is slow: its new orders are refused before the ring is full for all.

use dojima::domain::{
    AdminCommand, Cancel, Command, Enter, InstrumentId, ListInstrument, LoginId, OrderCommand, Phase,
    RefuseEnter, RefuseReplace, RejectReason, Replace, Sequenced, ShardId, Stamp, UserRef,
};
use dojima::ring::RingBuilder;
use dojima::ring::{Consumer, Producer, spsc};
use dojima::runtime::{Agent, Counters, ManualClock, StampClock, UnixNanos};
use dojima::stages::sequencer::{Sequencer, SequencerPorts, ShardLags};

const SLOTS: usize = 256;
/// Instrument 0 trades in the first shard, instrument 1 in the second.
const FAST: InstrumentId = InstrumentId(0);
const SLOW: InstrumentId = InstrumentId(1);

fn enter(instrument: InstrumentId, user_ref: u32) -> Command {
    let user_ref = UserRef(user_ref);
    Command::Order(OrderCommand::Enter(Enter { login: LoginId(3), user_ref, instrument, ..Enter::default() }))
}

fn replace(user_ref: u32) -> Command {
    let (orig_user_ref, user_ref) = (UserRef(1), UserRef(user_ref));
    Command::Order(OrderCommand::Replace(Replace {
        login: LoginId(3),
        orig_user_ref,
        user_ref,
        ..Replace::default()
    }))
}

fn cancel(user_ref: u32) -> Command {
    let user_ref = UserRef(user_ref);
    Command::Order(OrderCommand::Cancel(Cancel { login: LoginId(3), user_ref, ..Cancel::default() }))
}

fn is_for(command: &Command, instrument: InstrumentId) -> bool {
    matches!(command, Command::Order(OrderCommand::Enter(enter)) if enter.instrument == instrument)
}

/// A sequencer between one source and two matchers, which are read by hand.
struct Rig {
    inbound: Producer<Command>,
    sequencer: Sequencer,
    matchers: [Consumer<Sequenced>; 2],
    counters: Counters,
}

impl Rig {
    fn new(busy_percent: Option<u8>) -> Self {
        let (inbound, source) = spsc(SLOTS);
        let mut ring = RingBuilder::new(SLOTS);
        ring.consumer();
        ring.consumer();
        let (commands, matchers) = ring.build();
        let Ok(matchers) = <[Consumer<Sequenced>; 2]>::try_from(matchers) else {
            unreachable!("two were asked for")
        };
        let positions = matchers.iter().map(Consumer::cursor).collect();
        let shards = vec![ShardId::FIRST, ShardId(1)];
        let lags = busy_percent.map(|percent| ShardLags::new(positions, shards, SLOTS, percent));
        let (operator, courier, space, downstream) = (None, None, Vec::new(), Vec::new());
        let sources = vec![source];
        let ports = SequencerPorts { sources, operator, courier, commands, space, lags, downstream };
        let counters = Counters::new();
        let stamps = StampClock::new(&ManualClock::default(), UnixNanos(0), &counters);
        let sequencer = Sequencer::new(ports, stamps, Stamp::default(), &counters);
        Self { inbound, sequencer, matchers, counters }
    }

    fn send(&mut self, command: Command) {
        self.inbound.try_push(command).expect("room");
    }

    /// Until the sequencer has nothing left, or no room.
    fn sequence(&mut self) {
        while self.sequencer.do_work().expect("no fatal error") > 0 {}
    }

    /// What the matcher of the shard that is fast takes.
    fn fast(&mut self) -> Vec<Command> {
        let batch = self.matchers[0].batch(usize::MAX);
        let commands: Vec<Command> = batch.iter().map(|sequenced| sequenced.command).collect();
        batch.release(commands.len());
        commands
    }

    /// The slow one does two orders of its own, and passes over what is not for it up to the next.
    fn slow(&mut self) {
        let batch = self.matchers[1].batch(usize::MAX);
        let own = batch.iter().enumerate().filter(|(_, sequenced)| is_for(&sequenced.command, SLOW));
        let third = own.map(|(at, _)| at).nth(2);
        let count = third.unwrap_or(batch.len());
        batch.release(count);
    }

    fn full(&self) -> u64 {
        let counts = self.counters.snapshot();
        let found = counts.iter().find(|count| count.name == "sequencer.ring_full");
        found.expect("it is counted").value
    }
}

/// Runs rounds in which both shards get as many orders; the fast one does all of its, the slow one two thirds. Returns the
/// most that the slow one was behind, the orders of each that were sequenced, and the refusals.
fn run(rig: &mut Rig, rounds: u32) -> (u64, [usize; 2], usize) {
    let (mut most, mut taken, mut refused) = (0, [0; 2], 0);
    for round in 0..rounds {
        for at in 0..3 {
            let user_ref = round * 10 + at * 2 + 1;
            rig.send(enter(SLOW, user_ref));
            rig.send(enter(FAST, user_ref + 1));
        }
        rig.sequence();
        if rig.full() > 0 {
            break;
        }
        most = most.max(rig.matchers[1].waiting());
        for command in rig.fast() {
            taken[0] += usize::from(is_for(&command, FAST));
            taken[1] += usize::from(is_for(&command, SLOW));
            if let Command::Order(OrderCommand::RefuseEnter(RefuseEnter { reason, .. })) = command {
                assert_eq!(reason, RejectReason::ShardBusy);
                refused += 1;
            }
        }
        rig.slow();
    }
    (most, taken, refused)
}

#[test]
fn a_slow_shard_is_refused_orders_before_the_ring_is_full_and_the_other_trades_on() {
    let rounds = 2_000;
    let mut rig = Rig::new(Some(50));
    let (most, [fast, slow], refused) = run(&mut rig, rounds);
    assert_eq!(rig.full(), 0, "the ring was never full");
    assert!((SLOTS as u64 / 2..SLOTS as u64 * 7 / 8).contains(&most), "{most} of {SLOTS}");
    assert_eq!(fast, 3 * rounds as usize, "every order of the other shard");
    assert_eq!(slow + refused, 3 * rounds as usize);
    assert!((rounds as usize..2 * rounds as usize + SLOTS).contains(&slow), "what it can do: {slow}");
    // Without it the slow one fills the ring for both.
    let mut without = Rig::new(None);
    run(&mut without, rounds);
    assert!(without.full() > 0);
}

#[test]
fn cancels_are_taken_and_replaces_until_the_ring_is_nearly_full() {
    let mut rig = Rig::new(Some(50));
    // The slow shard does nothing at all.
    let fill = |rig: &mut Rig, count: usize| {
        for _ in 0..count {
            rig.send(cancel(7));
        }
        rig.sequence();
        rig.fast();
    };
    let came = |rig: &mut Rig| {
        [enter(SLOW, 1), enter(FAST, 2), replace(3), cancel(1)]
            .into_iter()
            .for_each(|command| rig.send(command));
        rig.sequence();
        let taken = rig.fast();
        let is_refused = |command: &Command| match command {
            Command::Order(OrderCommand::RefuseEnter(RefuseEnter { user_ref, reason, .. })) => {
                assert_eq!((*user_ref, *reason), (UserRef(1), RejectReason::ShardBusy));
                true
            }
            Command::Order(OrderCommand::RefuseReplace(RefuseReplace {
                orig_user_ref,
                user_ref,
                reason,
                ..
            })) => {
                assert_eq!(
                    (*orig_user_ref, *user_ref, *reason),
                    (UserRef(1), UserRef(3), RejectReason::ShardBusy)
                );
                true
            }
            _ => false,
        };
        <[bool; 4]>::try_from(taken.iter().map(is_refused).collect::<Vec<_>>()).expect("four")
    };
    assert_eq!(came(&mut rig), [false; 4]);
    fill(&mut rig, SLOTS / 2 - 4);
    assert_eq!(came(&mut rig), [false; 4], "half is not more than half");
    assert_eq!(came(&mut rig), [true, false, false, false]);
    fill(&mut rig, SLOTS / 4 - 8);
    assert_eq!(came(&mut rig), [true, false, false, false], "three quarters");
    assert_eq!(came(&mut rig), [true, false, true, false]);
    // It has caught up.
    let batch = rig.matchers[1].batch(usize::MAX);
    let all = batch.len();
    batch.release(all);
    assert_eq!(came(&mut rig), [false; 4]);
}

#[test]
fn an_instrument_that_is_listed_later_has_its_shard() {
    let mut rig = Rig::new(Some(10));
    let later = InstrumentId(2);
    let terms = ListInstrument {
        instrument: later,
        shard: ShardId(1),
        phase: Phase::Closed,
        ..ListInstrument::default()
    };
    rig.send(Command::Admin(AdminCommand::ListInstrument(terms)));
    for _ in 0..SLOTS / 8 {
        rig.send(cancel(7));
    }
    rig.sequence();
    rig.fast();
    [enter(later, 1), enter(InstrumentId(3), 2)].into_iter().for_each(|command| rig.send(command));
    rig.sequence();
    let taken = rig.fast();
    assert!(matches!(taken[0], Command::Order(OrderCommand::RefuseEnter(_))), "{:?}", taken[0]);
    assert_eq!(taken[1], enter(InstrumentId(3), 2), "nobody knows it: the exchange refuses it");
}
