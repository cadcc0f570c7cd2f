//! The rings, and the cursors of commands.

use crate::config::Config;
use crate::domain::{Command, EventRecord, Sequenced, ShardTransfer};
use crate::ring::{Consumer, CursorReader, CursorWriter, Producer, RingBuilder, cursor, spsc};

/// Slots from the timer to the sequencer: the commands of one moment. Commands that do not fit wait in the timer.
const TIMER_SLOTS: usize = 64;
/// Slots from the shadow to the sequencer, for occasional checkpoints.
const SHADOW_SLOTS: usize = 64;
/// Slots for operators' commands, which come one at a time.
const OPERATOR_SLOTS: usize = 4;

/// Slots from the courier to the sequencer. Arrivals that do not fit wait in the courier.
const COURIER_SLOTS: usize = 64;

/// A ring with one consumer.
pub(super) type Line<T> = (Producer<T>, Consumer<T>);

/// Which optional sources and readers exist, and the number of shards.
pub(super) struct Present {
    pub(super) gateway: bool,
    pub(super) timer: bool,
    pub(super) shadow: bool,
    pub(super) shards: usize,
}

pub(super) struct Rings {
    pub(super) gateway: Line<Command>,
    pub(super) local: Line<Command>,
    pub(super) timer: Option<Line<Command>>,
    pub(super) operator: Line<Command>,
    pub(super) shadow: Option<Line<Command>>,
    /// Exists if there are several shards.
    pub(super) courier: Option<Line<ShardTransfer>>,
    pub(super) commands: Producer<Sequenced>,
    pub(super) to_journaler: Consumer<Sequenced>,
    /// Indexed by shard.
    pub(super) to_matchers: Vec<Consumer<Sequenced>>,
    /// From each matcher to the merge; empty if there is one matcher.
    pub(super) of_shards: Vec<Line<EventRecord>>,
    pub(super) events: Producer<EventRecord>,
    pub(super) to_archiver: Consumer<EventRecord>,
    pub(super) to_gateway: Option<Consumer<EventRecord>>,
}

impl Rings {
    pub(super) fn new(config: &Config, present: &Present) -> Self {
        let sizes = &config.rings;
        let (commands, [to_journaler], to_matchers) = ring(sizes.command_slots, present.shards);
        let (events, [to_archiver], to_gateway) = ring(sizes.event_slots, usize::from(present.gateway));
        let merged = if present.shards > 1 { present.shards } else { 0 };
        Self {
            gateway: spsc(sizes.inbound_slots),
            local: spsc(sizes.inbound_slots),
            timer: present.timer.then(|| spsc(TIMER_SLOTS)),
            operator: spsc(OPERATOR_SLOTS),
            shadow: present.shadow.then(|| spsc(SHADOW_SLOTS)),
            courier: (present.shards > 1).then(|| spsc(COURIER_SLOTS)),
            commands,
            to_journaler,
            to_matchers,
            of_shards: (0..merged).map(|_| spsc(sizes.event_slots)).collect(),
            events,
            to_archiver,
            to_gateway: to_gateway.into_iter().next(),
        }
    }

    /// Every ring: the cursors of its producer and its consumers.
    pub(super) fn ends(&self) -> Vec<(CursorReader, Vec<CursorReader>)> {
        let lines = [&self.gateway, &self.local, &self.operator].into_iter();
        let lines = lines.chain(&self.timer).chain(&self.shadow);
        let lines = lines.map(|(producer, consumer)| (producer.cursor(), vec![consumer.cursor()]));
        let of_shards = self.of_shards.iter();
        let of_shards = of_shards.map(|(producer, consumer)| (producer.cursor(), vec![consumer.cursor()]));
        let courier = self.courier.iter();
        let courier = courier.map(|(producer, consumer)| (producer.cursor(), vec![consumer.cursor()]));
        let command_readers = self.to_matchers.iter().chain([&self.to_journaler]);
        let event_readers = [Some(&self.to_archiver), self.to_gateway.as_ref()].into_iter().flatten();
        lines
            .chain(of_shards)
            .chain(courier)
            .chain([
                (self.commands.cursor(), command_readers.map(Consumer::cursor).collect()),
                (self.events.cursor(), event_readers.map(Consumer::cursor).collect()),
            ])
            .collect()
    }
}

/// A ring with `N` consumers and `more` further ones, all of which follow the producer.
fn ring<T: Copy + Default + Send + Sync + 'static, const N: usize>(
    slots: usize,
    more: usize,
) -> (Producer<T>, [Consumer<T>; N], Vec<Consumer<T>>) {
    let mut ring = RingBuilder::new(slots);
    for _ in 0..N + more {
        ring.consumer();
    }
    let (producer, mut consumers) = ring.build();
    let others = consumers.split_off(N);
    match consumers.try_into() {
        Ok(consumers) => (producer, consumers, others),
        Err(_) => unreachable!("as many consumers come out as were asked for"),
    }
}

/// A cursor at this position.
pub(super) fn gate(at: u64) -> (CursorWriter, CursorReader) {
    let (mut writer, reader) = cursor();
    writer.set(at);
    (writer, reader)
}

/// The progress of commands, readable by all parts.
#[derive(Clone)]
pub(super) struct Progress {
    /// A position of the command ring, counted from the first command of this start.
    pub(super) sequenced: CursorReader,
    pub(super) durable: CursorReader,
    pub(super) synced: CursorReader,
    pub(super) applied: CursorReader,
    /// A position of the event ring.
    pub(super) in_ring: CursorReader,
}
