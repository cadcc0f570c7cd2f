//! What owners set, by their logins or by an operator.

use super::moves::{Act, account, instrument};
use super::venue::{ACCOUNTS, LOGIN_ACCOUNTS};
use dojima::domain::{
    AccountId, Amount, LoginId, MarginMode, MoveMargin, OwnerCommand, PositionLeg, PositionMode, SetLeverage,
    SetMarginMode, SetPositionMode, Setter, ShardId,
};
use proptest::prelude::*;

/// By its own login as a rule, or by an operator.
fn set_by(account: AccountId, by: u8) -> Option<LoginId> {
    let own = LOGIN_ACCOUNTS.iter().position(|of| *of == account.0).map(|login| LoginId(login as u32));
    match by {
        0 => None,
        1 => Some(LoginId(0)),
        _ => own,
    }
}

/// Leverage, as a rule one that accounts can have.
pub fn leverage() -> BoxedStrategy<Act> {
    let leverage = prop_oneof![6 => 5_u8..60, 3 => 1_u8..10, 2 => 60_u8..=125, 1 => any::<u8>()];
    (account(), instrument(), leverage, 0_u8..6)
        .prop_map(|(account, instrument, leverage, by)| {
            let setter = Setter { account, ..Setter::default() };
            let set = SetLeverage { by: setter, instrument, leverage };
            Act::Set(set_by(account, by), OwnerCommand::SetLeverage(set))
        })
        .boxed()
}

/// Isolated margin, or cross margin again.
pub fn margin_mode() -> BoxedStrategy<Act> {
    let mode = prop_oneof![3 => Just(MarginMode::Isolated), 1 => Just(MarginMode::Cross)];
    (account(), instrument(), mode, 0_u8..6)
        .prop_map(|(account, instrument, mode, by)| {
            let setter = Setter { account, ..Setter::default() };
            let set = SetMarginMode { by: setter, instrument, mode };
            Act::Set(set_by(account, by), OwnerCommand::SetMarginMode(set))
        })
        .boxed()
}

/// Money for a pot, or back.
pub fn margin() -> BoxedStrategy<Act> {
    let leg = prop_oneof![20 => Just(PositionLeg::Net), 1 => Just(PositionLeg::Long), 1 => Just(PositionLeg::Short)];
    let amount = prop_oneof![4 => 1_i64..200, 4 => -200_i64..1, 1 => 1_000_i64..20_000, 1 => -20_000_i64..0];
    (account(), instrument(), leg, amount, 0_u8..6)
        .prop_map(|(account, instrument, leg, amount, by)| {
            let setter = Setter { account, ..Setter::default() };
            let moved = MoveMargin { by: setter, instrument, leg, amount: Amount(amount) };
            Act::Set(set_by(account, by), OwnerCommand::MoveMargin(moved))
        })
        .boxed()
}

/// Which traders begin with a long and a short position in each contract.
pub fn hedges() -> BoxedStrategy<u8> {
    let all = 1_u8 << ACCOUNTS;
    prop_oneof![2 => Just(0), 3 => 0..all, 1 => Just(all - 1)].boxed()
}

/// A long and a short position, or one again.
pub fn position_mode() -> BoxedStrategy<Act> {
    let mode = prop_oneof![3 => Just(PositionMode::Hedge), 1 => Just(PositionMode::OneWay)];
    let shard = prop_oneof![20 => Just(ShardId::FIRST), 1 => (1_u8..4).prop_map(ShardId)];
    (account(), shard, mode, 0_u8..6)
        .prop_map(|(account, shard, mode, by)| {
            let setter = Setter { account, ..Setter::default() };
            let set = SetPositionMode { by: setter, shard, mode };
            Act::Set(set_by(account, by), OwnerCommand::SetPositionMode(set))
        })
        .boxed()
}

/// Money is for a position of its account's mode, but for one move in some.
pub fn of_mode(command: &mut OwnerCommand, hedge: bool) {
    if let OwnerCommand::MoveMargin(moved) = command
        && moved.leg == PositionLeg::Net
        && hedge
        && moved.amount.0 % 16 != 9
    {
        moved.leg = if moved.amount.0 % 2 == 0 { PositionLeg::Long } else { PositionLeg::Short };
    }
}
