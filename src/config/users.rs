//! Users: who may log in, with which role, from where, and with which message limits.

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// What a user may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserRole {
    /// Send orders, and receive the login's messages.
    #[default]
    Trade,
    /// Receive the login's messages, and send nothing.
    DropCopy,
    /// Receive market data.
    MarketData,
    /// Administration, and market data.
    Admin,
    /// Send prices of indexes, and receive the answers.
    Index,
}

impl UserRole {
    fn is_trade(&self) -> bool {
        *self == Self::Trade
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::DropCopy => "drop-copy",
            Self::MarketData => "market-data",
            Self::Admin => "admin",
            Self::Index => "index",
        }
    }
}

/// One entry of an account's `logins`, or of `[[users]]`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginConfig {
    /// 1 to 6 letters and digits; case does not matter.
    pub username: String,
    /// 1 to 10 letters and digits; case does not matter. For trials only; otherwise use `password_hash`.
    #[serde(deserialize_with = "password", default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The output of `dojima hash-password`.
    #[serde(deserialize_with = "password", default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Its role: `trade`, `drop-copy` or `index` for a login, `market-data` or `admin` for an entry of `[[users]]`.
    #[serde(default, skip_serializing_if = "UserRole::is_trade")]
    pub role: UserRole,
    /// Networks from which it may connect; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_from: Vec<Network>,
    /// Its orders are cancelled after this long without a connection, ms; `None`: they stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_on_disconnect_ms: Option<u64>,
    /// Its sustained message rate per second; 0: `gateway.messages_per_second`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub messages_per_second: u32,
    /// The most messages that it may send at once; 0: the messages of one second.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub message_burst: u32,
    /// Limits on its orders over all instruments. The exchange enforces them, as journaled at the first start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LoginLimitsConfig>,
    /// Names of accounts: it also receives the messages of their logins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<String>,
    /// Symbols of the indexes whose prices it may send; with the role `index`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<String>,
}

/// A login's `limits`; 0: no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoginLimitsConfig {
    /// Largest order, lots.
    pub quantity_max_lots: u64,
    /// Largest price × quantity of a limit order, minor units of its quote asset.
    pub notional_max_minor_units: i64,
    /// The most open orders in all instruments together.
    pub open_orders_max: u32,
}

impl LoginConfig {
    /// A login with role `trade`, a password in plain text, and defaults for the rest.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: Some(password.into()), ..Self::default() }
    }
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// Reads a text value. The error for another type does not show the value.
fn password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some).map_err(|_| D::Error::custom("a password is text in quotes"))
}

/// A network, such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Network(pub IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let net =
            text.parse().or_else(|_| text.parse().map(|address: std::net::IpAddr| IpNet::from(address)));
        net.map(Self).map_err(|_| {
            D::Error::custom(format!(
                "{text:?} is no network: expected such as \"10.0.0.0/8\" or \"192.0.2.7\""
            ))
        })
    }
}

// Passwords must not appear in logs and panics.
impl fmt::Debug for LoginConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LoginConfig");
        shown.field("username", &self.username).field("role", &self.role).finish_non_exhaustive()
    }
}
