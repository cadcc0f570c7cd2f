//! What an account has, what it may use, and what is closed of it: the numbers of a margin account.

use super::exact::{down, fits, fraction, ppm, small, up, whole};

/// Of a wallet or a pot with the profits of its legs.
pub fn equity(money: i64, profits: &[i64]) -> i64 {
    money + profits.iter().sum::<i64>()
}

/// What is available for orders.
pub fn available(wallet: i64, profits: &[i64], initial: &[i64], held: &[i64]) -> i64 {
    equity(wallet, profits) - initial.iter().sum::<i64>() - held.iter().sum::<i64>()
}

/// `B` of a whole leg; `value` is `val(lots, mark)`.
pub fn bankruptcy(value: i64, equity: i64, of_leg: i64, of_all: i64) -> i64 {
    value - small(&down(&(whole(equity) * fraction(of_leg, of_all))))
}

/// Lots that are closed of a leg, by the rule of relief.
pub fn lots_to_close(equity: i64, maintenance: i64, of_one_lot: i64, rate: u32, fee: u32) -> i64 {
    let relief = down(&(whole(of_one_lot) * ppm(i64::from(rate) - i64::from(fee)))).max(whole(1));
    small(&up(&((whole(maintenance) - whole(equity)) / relief)))
}

/// What is missing, in the shares of gains: parts rounded down, the last takes the rest.
pub fn shares(missing: i64, gains: &[i64]) -> Vec<i64> {
    let all: i64 = gains.iter().sum();
    let part = |&gain: &i64| fits(&down(&(whole(missing) * fraction(gain, all)))).expect("a part");
    let mut shares: Vec<i64> = gains.iter().map(part).collect();
    let given: i64 = shares.iter().rev().skip(1).sum();
    if let Some(last) = shares.last_mut() {
        *last = missing - given;
    }
    shares
}
