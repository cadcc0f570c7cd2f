//! Commands about contracts with numbers at and around every edge.

use super::Numbers;
use dojima::domain::{
    AccountId, AddIndex, AssetId, Command, ContractCommand, DeleverageMode, DepositFund, IndexId, IndexTerms,
    InstrumentId, LoginId, MarginMode, MoveMargin, OwnerCommand, PositionLeg, PositionMode, Ppm, SetContract,
    SetContractRisk, SetIndex, SetLeverage, SetMarginMode, SetMarginTier, SetPositionMode, Setter, ShardId,
    Symbol, Timestamp, UserRef, VenueCommand,
};

fn terms(numbers: &mut Numbers) -> IndexTerms {
    IndexTerms {
        stale_after_ms: numbers.near(600_000),
        grace_s: numbers.near(3_600),
        jump: Ppm(numbers.near(1_000_000)),
    }
}

fn risk(n: &mut Numbers) -> SetContractRisk {
    SetContractRisk {
        instrument: InstrumentId(n.short()),
        interest_ppb: n.near(1_000_000) as i32,
        impact_lots: n.short(),
        mark_band: Ppm(n.near(200_000)),
        first_band: Ppm(n.near(500_000)),
        premium_band: Ppm(n.near(1_000)),
        outer_band: Ppm(n.near(500_000)),
        liquidation_fee: Ppm(n.short()),
        collar: Ppm(n.near(100_000)),
        adl_after: n.short() as u16,
        adl_mode: n.of(&[DeleverageMode::ByRank, DeleverageMode::ProRata]),
        position_limit: n.short(),
        open_interest_limit: n.short(),
    }
}

fn setter(n: &mut Numbers) -> Setter {
    let login = (!n.next().is_multiple_of(3)).then(|| LoginId(n.short()));
    Setter { login, session: n.short(), user_ref: UserRef(n.short()), account: AccountId(n.short()) }
}

pub fn command(n: &mut Numbers, which: u8) -> Command {
    let (index, instrument) = (IndexId(n.next() as u16), InstrumentId(n.short()));
    let (asset, shard) = (AssetId(n.next() as u16), ShardId(n.next() as u8));
    Command::Contract(match which {
        0 => ContractCommand::AddIndex(AddIndex {
            index,
            symbol: Symbol(n.next().to_le_bytes()),
            price_decimals: n.next() as u8,
            shard,
            terms: terms(n),
        }),
        1 => ContractCommand::SetIndexTerms { index, terms: terms(n) },
        2 => {
            ContractCommand::SetIndex(SetIndex { index, price: n.short(), source_time: Timestamp(n.next()) })
        }
        3 => ContractCommand::SetContract(SetContract {
            instrument,
            index,
            expiry: n.short(),
            funding_interval_s: n.near(86_400),
            price_min: n.short(),
            price_max: n.short(),
        }),
        4 => ContractCommand::SetContractRisk(risk(n)),
        5 => ContractCommand::SetMarginTier(SetMarginTier {
            instrument,
            row: n.next() as u8,
            of: n.next() as u8,
            floor: n.amount(),
            initial: Ppm(n.near(1_000_000)),
            maintenance: Ppm(n.short()),
        }),
        6 => ContractCommand::DepositFund(DepositFund {
            asset,
            shard,
            amount: n.amount(),
            reference: n.next(),
        }),
        7 => {
            let (by, leverage) = (setter(n), n.next() as u8);
            return Command::Owner(OwnerCommand::SetLeverage(SetLeverage { by, instrument, leverage }));
        }
        8 => {
            let (by, mode) = (setter(n), n.of(&[MarginMode::Cross, MarginMode::Isolated]));
            return Command::Owner(OwnerCommand::SetMarginMode(SetMarginMode { by, instrument, mode }));
        }
        9 => {
            let mode = n.of(&[PositionMode::OneWay, PositionMode::Hedge]);
            let (by, shard) = (setter(n), ShardId(n.next() as u8));
            return Command::Owner(OwnerCommand::SetPositionMode(SetPositionMode { by, shard, mode }));
        }
        10 => {
            let leg = n.of(&[PositionLeg::Net, PositionLeg::Long, PositionLeg::Short]);
            let (by, amount) = (setter(n), n.amount());
            return Command::Owner(OwnerCommand::MoveMargin(MoveMargin { by, instrument, leg, amount }));
        }
        _ => return Command::Venue(VenueCommand::SetRules { edition: n.next() as u16 }),
    })
}
