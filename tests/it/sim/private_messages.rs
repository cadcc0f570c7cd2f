//! What clients send beside orders, in the private messages of OUCH here: transfers, what owners set in contracts, prices of
//! indexes, queries of wallets.

use super::messages::{Message, Messages, message};
use super::random::Random;
use super::venue::INDEXES;
use dojima::domain::{Amount, AssetId, IndexId, MarginMode, PositionLeg, ShardId, UserRef};
use dojima::wire::ouch::{
    AccountQuery, Appendage, ContractSetting, Inbound, IndexPrice, Setting, TransferMoney, tags,
};

const MILLI_NS: u64 = 1_000_000;

impl Messages {
    /// Something of the owner of an account, at a venue with contracts.
    pub(super) fn of_owner(&mut self) -> Message {
        match self.random.below(20) {
            0..6 => self.transfer(),
            6 => self.wallet(),
            // The naive exchange walks over all marks for the answer.
            7 if self.venue.is_coarse => self.position(),
            // Only those who have that role may.
            8 => self.send_price(),
            _ => self.setting(),
        }
    }

    /// Something of a source of prices: a price, as a rule. Orders would cost it the connection.
    pub(super) fn of_source(&mut self) -> Message {
        match self.random.below(60) {
            _ if self.unanswerable >= 16 => self.send_price(),
            0 => self.query(),
            1 => self.wallet(),
            2 => {
                // Under a number that was used before.
                let again = self.old_ref();
                let price = self.index_price(again);
                self.unanswerable += 1;
                message(&Inbound::IndexPrice(price, Appendage::default()), None)
            }
            _ => self.send_price(),
        }
    }

    /// Money from one shard to another.
    pub(super) fn transfer(&mut self) -> Message {
        let user_ref = self.new_ref();
        let (from, to) = two_shards(&mut self.random);
        let asked = TransferMoney {
            user_ref,
            asset: AssetId(self.random.pick(&[0, 1, 2, 2]) as u16),
            amount: Amount(self.random.below(50_000_000) as i64),
            from,
            to,
            reference: transfer_reference(&mut self.random, self.time),
        };
        self.unanswerable = 0;
        let tags: &[u8] = if self.random.once_in(20) { &[2, tags::POST_ONLY, b'P'] } else { &[] };
        message(&Inbound::Transfer(asked, Appendage(tags)), Some(user_ref))
    }

    /// What the account is to have in a contract.
    fn setting(&mut self) -> Message {
        let (user_ref, (symbol, _)) = (self.new_ref(), self.symbol());
        let setting = match self.random.below(12) {
            0..4 => Setting::MarginMode(match self.random.below(4) {
                0 => MarginMode::Cross,
                _ => MarginMode::Isolated,
            }),
            4..7 => Setting::Leverage(self.random.pick(&[0, 1, 5, 10, 20, 40, 126]) as u8),
            _ => {
                let leg = if self.random.once_in(12) { PositionLeg::Long } else { PositionLeg::Net };
                let amount = self.random.below(20_000_000_000).cast_signed() - 5_000_000_000;
                Setting::Margin { leg, amount: Amount(amount >> self.random.pick(&[0, 4, 10, 14])) }
            }
        };
        let (kind, leg, value) = setting.fields();
        let kind = if self.random.once_in(40) { b'?' } else { kind };
        let asked = ContractSetting { user_ref, kind, symbol, leg, value };
        self.unanswerable = 0;
        let tags: &[u8] = if self.random.once_in(40) { &[9, 9] } else { &[] };
        message(&Inbound::Setting(asked, Appendage(tags)), Some(user_ref))
    }

    fn send_price(&mut self) -> Message {
        let user_ref = self.new_ref();
        let price = self.index_price(user_ref);
        self.unanswerable = 0;
        let tags: &[u8] = if self.random.once_in(60) { &[2, tags::POST_ONLY, b'P'] } else { &[] };
        message(&Inbound::IndexPrice(price, Appendage(tags)), Some(user_ref))
    }

    /// A price under this number.
    fn index_price(&mut self, user_ref: UserRef) -> IndexPrice {
        let time = self.time;
        let index = self.random.below(INDEXES.len() as u64) as u16;
        let at = usize::from(index);
        // The same again, now and then: what was held is then taken.
        let is_again = self.last_prices[at] > 0 && self.random.once_in(6);
        let price = if is_again { self.last_prices[at] } else { near(&mut self.random, INDEXES[at]) };
        self.last_prices[at] = price;
        let source_time = match self.random.below(40) {
            0 => time + 3_000 * MILLI_NS,
            1 => time.saturating_sub(100_000 * MILLI_NS),
            2 => self.last_source,
            _ => {
                self.last_source = (time + self.random.below(200) * MILLI_NS).max(self.last_source + 1);
                self.last_source
            }
        };
        let index = if self.random.once_in(50) { 7 } else { index };
        IndexPrice { user_ref, index: IndexId(index), price, source_time }
    }

    /// Which number is next; now and then with a dead-man's switch, which goes off before long if it is not held.
    pub(super) fn query(&mut self) -> Message {
        let mut tags = vec![5, tags::CANCEL_AFTER];
        tags.extend((self.random.pick(&[0, 50, 400, 3_000]) as u32).to_be_bytes());
        if self.random.once_in(3) {
            tags.clear();
        }
        message(&Inbound::AccountQuery(AccountQuery {}, Appendage(&tags)), None)
    }

    /// The account's position in a contract.
    fn position(&mut self) -> Message {
        let (symbol, _) = self.symbol();
        let mut tags = vec![9, tags::POSITION];
        tags.extend(symbol.0);
        self.unanswerable += 1;
        message(&Inbound::AccountQuery(AccountQuery {}, Appendage(&tags)), None)
    }

    /// What a wallet of the account has.
    fn wallet(&mut self) -> Message {
        let (shard, asset) = (self.random.below(3) as u8, self.random.below(4) as u8);
        let tags = [4, tags::WALLET, shard, 0, asset];
        self.unanswerable += 1;
        message(&Inbound::AccountQuery(AccountQuery {}, Appendage(&tags)), None)
    }
}

/// From which shard to which one; now and then one that there is not, or twice the same.
pub fn two_shards(random: &mut Random) -> (ShardId, ShardId) {
    let from = random.below(2) as u8;
    let to = if random.once_in(8) { random.below(3) as u8 } else { 1 - from };
    (ShardId(from), ShardId(to))
}

/// The number of a deposit, withdrawal or transfer. Whoever sends one counts microseconds, so that numbers rise, and now and
/// then too little.
pub fn transfer_reference(random: &mut Random, time: u64) -> u64 {
    let micros = time / 1_000;
    if random.once_in(12) { micros.saturating_sub(20_000_000) } else { micros + random.below(1_000) }
}

/// A price of an index whose prices are about `middle`: near it as a rule, and now and then far away for once.
pub fn near(random: &mut Random, middle: u64) -> u64 {
    let spread = match random.below(40) {
        0 => return random.pick(&[0, u64::from(u32::MAX) + 1]),
        1..4 => middle / 8,
        4..8 => middle / 40,
        _ => middle / 3_000,
    };
    middle - spread + random.below(2 * spread)
}
