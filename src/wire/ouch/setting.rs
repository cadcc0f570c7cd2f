//! What an owner sets in a contract, as the private messages Contract Setting and Setting Made carry it: a kind, a leg
//! and a value.

use crate::domain::{Amount, MarginMode, PositionLeg, PositionMode, ShardId};

/// What an owner sets in a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// How many positions the account has in each contract of a shard. The message names no contract.
    PositionMode {
        /// The shard.
        shard: ShardId,
        /// The mode.
        mode: PositionMode,
    },
    /// Whose money stands behind the account's positions.
    MarginMode(MarginMode),
    /// The account's leverage, 1 to 125.
    Leverage(u8),
    /// Money moved between the wallet and the pot of a position.
    Margin {
        /// Which position.
        leg: PositionLeg,
        /// Minor units of the settlement asset; above 0: into the pot.
        amount: Amount,
    },
}

impl Setting {
    /// From the fields of a message; `None` if they say nothing that could be set.
    pub fn read(kind: u8, leg: u8, value: Amount) -> Option<Self> {
        match (kind, leg) {
            (b'P', shard) => {
                let mode = PositionMode::ALL.iter().find(|mode| **mode as i64 == value.0);
                mode.map(|mode| Self::PositionMode { shard: ShardId(shard), mode: *mode })
            }
            (b'M', b' ') => {
                let mode = MarginMode::ALL.iter().find(|mode| **mode as i64 == value.0);
                mode.copied().map(Self::MarginMode)
            }
            (b'L', b' ') => u8::try_from(value.0).ok().map(Self::Leverage),
            (b'A', b'N') => Some(Self::Margin { leg: PositionLeg::Net, amount: value }),
            (b'A', b'L') => Some(Self::Margin { leg: PositionLeg::Long, amount: value }),
            (b'A', b'S') => Some(Self::Margin { leg: PositionLeg::Short, amount: value }),
            _ => None,
        }
    }

    /// The fields of a message: kind, leg and value.
    pub fn fields(self) -> (u8, u8, Amount) {
        match self {
            Self::PositionMode { shard, mode } => (b'P', shard.0, Amount(mode as i64)),
            Self::MarginMode(mode) => (b'M', b' ', Amount(mode as i64)),
            Self::Leverage(leverage) => (b'L', b' ', Amount(leverage.into())),
            Self::Margin { leg, amount } => {
                let leg = match leg {
                    PositionLeg::Net => b'N',
                    PositionLeg::Long => b'L',
                    PositionLeg::Short => b'S',
                };
                (b'A', leg, amount)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_are_written() {
        let legs = PositionLeg::ALL.iter();
        let margins = legs.map(|leg| Setting::Margin { leg: *leg, amount: Amount(-7) });
        let modes = MarginMode::ALL.iter().map(|mode| Setting::MarginMode(*mode));
        let modes = modes.chain(
            PositionMode::ALL.iter().map(|mode| Setting::PositionMode { shard: ShardId(7), mode: *mode }),
        );
        for setting in margins.chain(modes).chain([Setting::Leverage(0), Setting::Leverage(255)]) {
            let (kind, leg, value) = setting.fields();
            assert_eq!(Setting::read(kind, leg, value), Some(setting));
        }
        let nothing =
            [(b'M', b' ', 2), (b'M', b'N', 0), (b'L', b' ', 256), (b'L', b' ', -1), (b'A', b' ', 1)];
        for (kind, leg, value) in nothing.into_iter().chain([(b'X', b' ', 0), (b'P', 0, 2)]) {
            assert_eq!(Setting::read(kind, leg, Amount(value)), None);
        }
    }
}
