//! How far the matchers are behind, and whose new orders are refused for it.
//!
//! All matchers read one command ring, so the slowest one fills it for all. Before it does, the sequencer refuses new
//! orders for the shard that is behind. A refusal is a command of the first shard, which the others pass over, so the shard
//! catches up. Replaces name no instrument; they are refused only when the ring is nearly full.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::domain::{AdminCommand, Command, Enter, InstrumentId, ListInstrument, OrderCommand, ShardId};
use crate::ring::CursorReader;

/// The positions of the matchers in the command ring, and which shard trades what.
pub struct ShardLags {
    /// By shard.
    matchers: Vec<CursorReader>,
    /// By instrument.
    shards: Vec<ShardId>,
    /// A shard with more commands before it than this is busy.
    busy_above: u64,
    /// With a shard that has more before it than this, replaces are refused.
    crowded_above: u64,
}

/// The shards that are behind at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Behind {
    /// Bit 0 is the first shard.
    busy: u8,
    is_crowded: bool,
}

const _: () = assert!(ShardId::COUNT <= u8::BITS as usize);

impl ShardLags {
    /// Of these matchers, by shard; `shards`: by instrument. `busy_percent`: the share of the ring's `slots`. The rest has to
    /// hold what comes for the others while a shard that is busy does what it has.
    pub fn new(matchers: Vec<CursorReader>, shards: Vec<ShardId>, slots: usize, busy_percent: u8) -> Self {
        let part = |percent: u64| slots as u64 * percent / 100;
        let percent = u64::from(busy_percent);
        Self { matchers, shards, busy_above: part(percent), crowded_above: part(u64::midpoint(percent, 100)) }
    }

    /// The most commands per duty cycle: so few that the shares are not passed by much in one.
    pub(super) fn batch_max(slots: usize) -> usize {
        (slots / 16).max(1)
    }

    /// The shards that are behind when so many commands were published.
    #[inline]
    pub(super) fn behind(&self, published: u64) -> Behind {
        let mut behind = Behind::default();
        for (shard, matcher) in self.matchers.iter().enumerate() {
            let lag = published.saturating_sub(matcher.get());
            behind.busy |= u8::from(lag > self.busy_above) << shard;
            behind.is_crowded |= lag > self.crowded_above;
        }
        behind
    }

    /// Whether the command is refused.
    pub(super) fn refuses(&self, behind: Behind, command: &Command) -> bool {
        match command {
            Command::Order(OrderCommand::Enter(Enter { instrument, .. })) => {
                self.shard_of(*instrument).is_some_and(|shard| behind.busy >> shard.0 & 1 == 1)
            }
            Command::Order(OrderCommand::Replace(_)) => behind.is_crowded,
            Command::Order(_)
            | Command::Venue(_)
            | Command::Admin(_)
            | Command::Contract(_)
            | Command::Owner(_)
            | Command::Clock(_) => false,
        }
    }

    fn shard_of(&self, instrument: InstrumentId) -> Option<ShardId> {
        self.shards.get(instrument.0 as usize).copied()
    }

    /// Takes note of a new instrument, which the exchange may refuse: then nobody has orders for it.
    pub(super) fn note(&mut self, command: &AdminCommand) {
        if let AdminCommand::ListInstrument(ListInstrument { instrument, shard, .. }) = command
            && instrument.0 as usize == self.shards.len()
        {
            self.shards.push(*shard);
        }
    }
}

impl Behind {
    pub(super) fn is_any(self) -> bool {
        self != Self::default()
    }
}
