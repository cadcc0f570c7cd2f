//! Plain values that the stages, the exchange and the wire protocols share.
//!
//! Nothing here does I/O, reads a clock or holds market state. Commands go in, events come out. Both are `Copy`, so
//! that they fit ring slots, and both have one documented byte encoding ([`codec`]) for the journal and the event log.

pub mod amounts;
pub mod audience;
mod cancel_reason;
pub mod codec;
pub mod command;
mod contract_command;
mod contract_event;
pub mod contracts;
pub mod decimal;
pub mod event;
mod export;
pub mod ids;
mod index_price;
pub mod instructions;
pub mod listing;
pub mod listings;
mod numbered;
mod numbers;
pub mod order_terms;
mod owner_command;
mod password;
pub mod password_hash;
pub mod postings;
mod product;
pub mod reject;
mod sender;
pub mod session;
pub mod settings;
pub mod streams;
mod text;
mod transfers;
pub mod utc;
pub mod versions;
mod wallet;

pub use amounts::{Amount, FeeRate, OrderPrice, Ppm, Price, Quantity};
pub use cancel_reason::{CancelReason, SelfTradePrevented};
pub use command::{
    AdminCommand, Amend, Cancel, Checkpoint, ClockCommand, Command, ConnectionLoss, Echo, Enter,
    ListInstrument, MassCancel, Modify, NameOrder, OrderCommand, QueryAccount, Question, RefuseEnter,
    RefuseReplace, Replace, Sequenced, SetOrderEntry, Stamp, Transfer, VenueCommand,
};
pub use contract_command::{
    AddIndex, ContractCommand, DeleverageMode, DepositFund, IndexTerms, SetContract, SetContractRisk,
    SetIndex, SetMarginTier,
};
pub use contract_event::{
    ContractEvent, FundCause, FundChanged, FundPaid, FundingNumber, FundingPaid, FundingSet, IndexSet,
    PositionCause, PositionChanged, PositionState,
};
pub use event::{
    Accepted, AdminEvent, Amended, Armed, Auction, Canceled, ChangeRejected, Event, EventRecord, Executed,
    Ignored, MarketEvent, OrderEvent, PriorityUpdated, Rejected, Replaced, RestateReason, Restated,
    TradeKind, Triggered, VenueEvent,
};
pub use ids::{
    AccountId, AssetCode, AssetId, ClOrdId, ClientName, FeeTier, GroupId, IndexId, InstrumentId, LoginId,
    LoginName, OrderId, ShardId, ShardName, Symbol, Timestamp, TradeId, UserRef,
};
pub use index_price::{IndexAnswered, IndexOutcome, SendIndex};
pub use instructions::{
    Effect, Instructions, Owner, PostOnly, QuantityUnit, SelfTrade, SelfTradePrevention, Side, TimeInForce,
    Trigger, TriggerKind, TriggerReference, Visibility,
};
pub use listing::Listing;
pub use listings::Listings;
pub use order_terms::{OrderState, OrderTerms};
pub use owner_command::{
    LeverageSet, MarginMode, MarginModeSet, MarginMoved, MoveMargin, OwnerCommand, PositionLeg, SetBy,
    SetLeverage, SetMarginMode, Setter,
};
pub use password::Password;
pub use postings::{Fill, Parties, Party, Posting};
pub use product::Product;
pub use reject::{IgnoreReason, RejectReason};
pub use sender::Sender;
pub use settings::{
    AccountSelfTrade, AssetSettings, CancelFilter, FeeAsset, KillScope, LimitScope, OrderLimits, Phase,
    Protection, SetFees, SetTerms, Switch, VenueLimits, VolumeTiers,
};
pub use transfers::{ShardTransfer, TransferOut, TransferReceived, TransferSent};
pub use wallet::{AssetBalance, QueryWallet, Wallet, WalletState};
