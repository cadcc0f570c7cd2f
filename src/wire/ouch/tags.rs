//! The appendage: optional TagValues after a message's fixed part, each `u8 length · u8 tag · value`. The length counts
//! the tag and the value.

/// The bytes of a message's TagValues, not decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appendage<'a>(pub &'a [u8]);

/// One TagValue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// The tag number (OUCH 5.0 §2.4 in docs/PROTOCOL.md; see the constants here).
    pub tag: u8,
    /// The value as received.
    pub value: &'a [u8],
}

/// An appendage that cannot be split into TagValues, or contains a value with the wrong length for its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the optional tags end in the middle of one, or one has a length that it cannot have")]
pub struct TagError;

/// SecondaryOrdRefNum: the public number of the displayed part.
pub const SECONDARY_ORDER: u8 = 1;
/// Firm: four characters that name the firm of the order.
pub const FIRM: u8 = 2;
/// MinQty: minimum quantity of an execution.
pub const MIN_QTY: u8 = 3;
/// CustomerType: R retail, N not retail, space: the setting of the port.
pub const CUSTOMER_TYPE: u8 = 4;
/// MaxFloor: displayed quantity of a reserve order.
pub const MAX_FLOOR: u8 = 5;
/// PriceType: L limit, others are pegs.
pub const PRICE_TYPE: u8 = 6;
/// PegOffset: signed distance from the peg.
pub const PEG_OFFSET: u8 = 7;
/// DiscretionPrice.
pub const DISCRETION_PRICE: u8 = 9;
/// DiscretionPriceType: L limit, others are pegs.
pub const DISCRETION_PRICE_TYPE: u8 = 10;
/// DiscretionPegOffset: signed distance from the peg.
pub const DISCRETION_PEG_OFFSET: u8 = 11;
/// PostOnly: P or N.
pub const POST_ONLY: u8 = 12;
/// RandomReserves: range of the random refresh.
pub const RANDOM_RESERVES: u8 = 13;
/// Route: the routing destination.
pub const ROUTE: u8 = 14;
/// ExpireTime: seconds since midnight.
pub const EXPIRE_TIME: u8 = 15;
/// TradeNow: Y, N or space.
pub const TRADE_NOW: u8 = 16;
/// HandleInst: handling instruction.
pub const HANDLE_INST: u8 = 17;
/// BBOWeightIndicator: never sent here.
pub const BBO_WEIGHT: u8 = 18;
/// DisplayQuantity: lots displayed now.
pub const DISPLAY_QUANTITY: u8 = 22;
/// DisplayPrice: never sent here.
pub const DISPLAY_PRICE: u8 = 23;
/// GroupID: for cancelling in groups.
pub const GROUP_ID: u8 = 24;
/// SharesLocated: Y or N.
pub const SHARES_LOCATED: u8 = 25;
/// LocateBroker: four characters.
pub const LOCATE_BROKER: u8 = 26;
/// Side, B or S: of the orders that a mass cancel selects, or of the order that is replaced.
pub const SIDE: u8 = 27;
/// UserRefIdx: the channel to which the UserRefNum belongs.
pub const USER_REF_IDX: u8 = 28;
/// AIQStrategy: self-trade prevention; O, W, D, Y by account, o, w, d, y by group.
pub const AIQ_STRATEGY: u8 = 29;
/// AIQGroupID: two characters.
pub const AIQ_GROUP: u8 = 30;

// Private tags, for functions of the exchange that OUCH does not define. A client that sends none receives none.

/// StopPrice, u64 price units: the trigger price; for a trailing stop the distance.
pub const STOP_PRICE: u8 = 128;
/// TriggerKind: S stop, P take profit, T trailing stop.
pub const TRIGGER_KIND: u8 = 129;
/// TriggerReference: L last trade, M mark price, I index of a contract.
pub const TRIGGER_REFERENCE: u8 = 130;
/// PostOnlySlide, Y or N: if a post-only order would trade, its price is moved instead of the order being refused.
pub const POST_ONLY_SLIDE: u8 = 131;
/// ReduceOnly, Y or N.
pub const REDUCE_ONLY: u8 = 132;
/// SelfTradePrevention: A allow, N cancel the newest, O cancel the oldest, B cancel both, D decrement both.
pub const SELF_TRADE: u8 = 133;
/// SelfTradeOwner: A the same account, G accounts of the same group.
pub const SELF_TRADE_OWNER: u8 = 134;
/// QuoteAmount, u64 minor units of the quote asset: a market order for this amount of money. The Quantity field is 0.
pub const QUOTE_AMOUNT: u8 = 135;
/// Quantity64, u64 lots. The Quantity field is 0.
pub const QUANTITY_64: u8 = 136;
/// BookBy, u64 nanoseconds since 1970: the order is refused if it is sequenced later.
pub const BOOK_BY: u8 = 137;
/// LinkedOrder, u32 UserRefNum, on Enter Order: one order cancels the other.
pub const LINKED_ORDER: u8 = 138;
/// CancelAfter, u32 milliseconds, on Account Query: the dead-man's switch.
pub const CANCEL_AFTER: u8 = 140;
/// CancelAt, u64 nanoseconds since 1970, on the answer to that query: when the switch cancels the login's orders.
pub const CANCEL_AT: u8 = 141;
/// Balance, u16 number of an asset, on Account Query: requests the account's balance of it.
pub const BALANCE: u8 = 144;
/// BalanceOf, on the answer to that query: u16 number of the asset, i64 available, i64 held by open orders; minor
/// units.
pub const BALANCE_OF: u8 = 145;
/// Wallet, u8 number of a shard and u16 number of an asset, on Account Query: requests what the account has of it there.
pub const WALLET: u8 = 146;
/// WalletOf, on the answer to that query: u8 number of the shard, u16 number of the asset, i64 available, i64 held by open
/// orders, i64 what can be withdrawn; minor units.
pub const WALLET_OF: u8 = 147;
/// Position, a symbol of eight characters, on Account Query: requests the account's positions in this contract.
pub const POSITION: u8 = 148;
/// CopyOfLogin, u32, on a copy: the login that received the original message.
pub const COPY_OF_LOGIN: u8 = 142;
/// CopyOfAccount, u32, on a copy: the account of that login.
pub const COPY_OF_ACCOUNT: u8 = 143;

impl<'a> Appendage<'a> {
    /// Iterates over the TagValues. If they cannot be split, yields an error and then ends.
    #[inline]
    pub fn tags(self) -> Tags<'a> {
        Tags { rest: self.0 }
    }

    /// The value of the first TagValue with this tag, if there is one.
    ///
    /// # Errors
    /// The bytes before it cannot be split into TagValues, or its value has the wrong length.
    pub fn find<const N: usize>(self, wanted: u8) -> Result<Option<[u8; N]>, TagError> {
        for tag in self.tags() {
            let Tag { tag, value } = tag?;
            if tag == wanted {
                return value.try_into().map(Some).map_err(|_| TagError);
            }
        }
        Ok(None)
    }
}

/// Iterator over TagValues.
#[derive(Clone, Debug)]
pub struct Tags<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tags<'a> {
    type Item = Result<Tag<'a>, TagError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (len, rest) = self.rest.split_first()?;
        let tag = match rest.get(..usize::from(*len)) {
            Some([tag, value @ ..]) => {
                self.rest = &rest[usize::from(*len)..];
                Ok(Tag { tag: *tag, value })
            }
            _ => {
                self.rest = &[];
                Err(TagError)
            }
        };
        Some(tag)
    }
}

/// Builds TagValues.
#[derive(Clone, Copy, Debug)]
pub struct TagBuffer {
    bytes: [u8; Self::LEN_MAX],
    len: usize,
}

impl Default for TagBuffer {
    fn default() -> Self {
        Self { bytes: [0; Self::LEN_MAX], len: 0 }
    }
}

impl TagBuffer {
    /// Length of CancelAt, BalanceOf, CopyOfLogin and CopyOfAccount: the most that one message carries.
    pub const LEN_MAX: usize = 10 + 20 + Self::LEN_OF_COPY;

    /// Length of CopyOfLogin and CopyOfAccount.
    pub const LEN_OF_COPY: usize = 2 * 6;

    /// Length of Firm, MaxFloor, PostOnly, ExpireTime, PostOnlySlide, CopyOfLogin and CopyOfAccount: the most that the
    /// message of an order carries.
    pub const LEN_OF_ORDER_MAX: usize = 3 * 6 + 2 * 3 + Self::LEN_OF_COPY;

    /// Adds a TagValue.
    ///
    /// # Panics
    /// If the total exceeds [`Self::LEN_MAX`] bytes.
    #[inline]
    pub fn push<const N: usize>(&mut self, tag: u8, value: [u8; N]) {
        let at = self.len;
        self.bytes[at] = N as u8 + 1;
        self.bytes[at + 1] = tag;
        self.bytes[at + 2..at + 2 + N].copy_from_slice(&value);
        self.len = at + 2 + N;
    }

    /// The added TagValues.
    #[inline]
    pub fn appendage(&self) -> Appendage<'_> {
        Appendage(&self.bytes[..self.len])
    }
}
