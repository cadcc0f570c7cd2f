//! What must hold of accounts with a long and a short position in each contract. It reads events.

use super::ledger::{Has, Holds, Ledger, Open, Place, holds};
use crate::support::naive::Naive;
use dojima::domain::{
    AccountId, Effect, Event, Executed, InstrumentId, OrderEvent, PositionLeg, PositionMode, PositionModeSet,
    Side,
};

/// Where both positions of a pair count for a liquidation price, what is rounded for each of them may move it: one that is
/// right to within that becomes the naive one.
pub fn same_liquidation(naive: &Naive, our: &mut Event, their: &Event) {
    let (Event::Order(OrderEvent::PositionState(our)), Event::Order(OrderEvent::PositionState(their))) =
        (our, their)
    else {
        return;
    };
    if our.liquidation != their.liquidation && naive.nearly_liquidates(our) {
        our.liquidation = their.liquidation;
    }
}

impl Open {
    pub fn reduces(&self) -> bool {
        matches!(self.effect, Effect::ReduceOnly | Effect::ClosePosition)
    }
}

impl Ledger {
    pub fn has(&self, place: Place) -> Has {
        self.positions.get(&place).copied().unwrap_or_default()
    }

    /// The positions that an account may have in a contract.
    pub fn places(
        &self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> impl Iterator<Item = Place> + use<> {
        let legs = match self.hedges.contains(&account) {
            true => vec![PositionLeg::Long, PositionLeg::Short],
            false => vec![PositionLeg::Net],
        };
        legs.into_iter().map(move |leg| (account, instrument, leg))
    }

    /// The position that an order is for.
    pub fn place_of(&self, order: &Open) -> Place {
        let opens_long = (order.side == Side::Buy) != order.reduces();
        let leg = match self.hedges.contains(&order.account) {
            false => PositionLeg::Net,
            true if opens_long => PositionLeg::Long,
            true => PositionLeg::Short,
        };
        (order.account, order.instrument, leg)
    }

    /// The buyer's position and the seller's, by what their orders may do. No order opens where it may only reduce.
    pub(super) fn places_of(&self, trade: &Executed) -> Result<[Place; 2], String> {
        let ids = match trade.taker_side {
            Side::Buy => [trade.taker_order, trade.maker_order],
            Side::Sell => [trade.maker_order, trade.taker_order],
        };
        let mut places = [Place::default(); 2];
        for (place, id) in places.iter_mut().zip(ids) {
            let order = self.orders.get(&id).ok_or_else(|| format!("order {id} is not open"))?;
            let hedge = self.hedges.contains(&order.account);
            let fits = match order.effect {
                Effect::Any => !hedge,
                Effect::Open => hedge,
                Effect::ReduceOnly | Effect::ClosePosition => true,
            };
            holds(fits, || format!("{order:?} of an account of the other mode"))?;
            *place = self.place_of(order);
            let lots = self.has(*place).lots;
            let closable = if order.side == Side::Sell { lots.max(0) } else { (-lots).max(0) };
            let enough = !order.reduces() || trade.quantity.0 as i64 <= closable;
            holds(enough, || format!("{order:?} reduces {lots} lots by {}", trade.quantity))?;
        }
        Ok(places)
    }

    /// Nobody changes it who has anything of a contract.
    pub(super) fn mode_set(&mut self, set: &PositionModeSet) -> Holds {
        let account = set.by.account;
        let hedge = set.mode == PositionMode::Hedge;
        if hedge == self.hedges.contains(&account) {
            return Ok(());
        }
        let position =
            self.positions.iter().find(|(place, has)| place.0 == account && **has != Has::default());
        holds(position.is_none(), || format!("with {position:?}"))?;
        let order = self.orders.values().find(|order| order.account == account);
        holds(order.is_none(), || format!("with {order:?}"))?;
        if hedge {
            self.hedges.insert(account);
        } else {
            self.hedges.remove(&account);
        }
        Ok(())
    }
}
