//! The words of one line of a script, with complaints that name the line.

use dojima::domain::{
    Amount, LoginId, OrderPrice, Owner, Phase, RejectReason, SelfTrade, SelfTradePrevention, Side, Switch,
    UserRef,
};
use std::str::{FromStr, SplitWhitespace};

const PHASES: [Phase; 9] = [
    Phase::Closed,
    Phase::PreOpen,
    Phase::OpeningAuction,
    Phase::Continuous,
    Phase::VolatilityAuction,
    Phase::ClosingAuction,
    Phase::Halted,
    Phase::CancelOnly,
    Phase::Delisted,
];

pub struct Words<'a> {
    line: &'a str,
    words: std::iter::Peekable<SplitWhitespace<'a>>,
}

impl<'a> Words<'a> {
    pub fn new(line: &'a str) -> Self {
        Self { line, words: line.split_whitespace().peekable() }
    }

    pub fn bad(&self, what: &str) -> ! {
        panic!("{what}: {}", self.line)
    }

    pub fn maybe(&mut self) -> Option<&'a str> {
        self.words.next()
    }

    pub fn next(&mut self) -> &'a str {
        self.words.next().unwrap_or_else(|| self.bad("the line is too short"))
    }

    /// Takes the next word if it is this one.
    pub fn takes(&mut self, word: &str) -> bool {
        self.words.next_if_eq(&word).is_some()
    }

    /// Skips a word that is there only to be read.
    pub fn expect(&mut self, word: &str) {
        if !self.takes(word) {
            self.bad(&format!("{word:?} is missing"));
        }
    }

    pub fn end(&mut self) {
        if self.words.next().is_some() {
            self.bad("words left over");
        }
    }

    pub fn number<T: FromStr>(&mut self) -> T {
        let word = self.next();
        self.parse(word.trim_start_matches(['#', 'i']))
    }

    pub fn parse<T: FromStr>(&self, word: &str) -> T {
        word.parse().unwrap_or_else(|_| self.bad("no number where one belongs"))
    }

    pub fn amount(&self, word: &str) -> Amount {
        Amount(self.parse(word))
    }

    /// The rest of the line: words such as `tick=5`.
    pub fn settings(&mut self) -> Vec<(&'a str, &'a str)> {
        let mut found = Vec::new();
        while let Some(word) = self.words.next() {
            found.push(word.split_once('=').unwrap_or_else(|| self.bad("no key=value")));
        }
        found
    }

    pub fn order(&mut self) -> (LoginId, UserRef) {
        let word = self.next();
        let (login, user_ref) = word.split_once('.').unwrap_or_else(|| self.bad("no order such as 1.7"));
        (LoginId(self.parse(login)), UserRef(self.parse(user_ref)))
    }

    pub fn side(&mut self) -> Side {
        match self.next() {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            _ => self.bad("neither buy nor sell"),
        }
    }

    pub fn price(&mut self) -> OrderPrice {
        match self.next() {
            "market" => OrderPrice::Market,
            "@" => OrderPrice::Limit(self.number()),
            _ => self.bad("neither @ nor market"),
        }
    }

    pub fn switch(&mut self) -> Switch {
        let word = self.next();
        self.on_or_off(word)
    }

    pub fn on_or_off(&self, word: &str) -> Switch {
        match word {
            "on" => Switch::On,
            "off" => Switch::Off,
            _ => self.bad("neither on nor off"),
        }
    }

    pub fn phase(&self, word: &str) -> Phase {
        let found = PHASES.into_iter().find(|phase| format!("{phase:?}") == word);
        found.unwrap_or_else(|| self.bad("no such phase"))
    }

    pub fn reason(&mut self) -> RejectReason {
        let name = self.next();
        let found = RejectReason::ALL.iter().find(|reason| reason.name() == name);
        *found.unwrap_or_else(|| self.bad("no such reason"))
    }

    /// `oldest`, or `oldest group`.
    pub fn prevention(&mut self) -> SelfTradePrevention {
        let mode = match self.next() {
            "allow" => SelfTrade::Allow,
            "newest" => SelfTrade::CancelNewest,
            "oldest" => SelfTrade::CancelOldest,
            "both" => SelfTrade::CancelBoth,
            "decrement" => SelfTrade::DecrementBoth,
            _ => self.bad("no such self-trade prevention"),
        };
        let owner = if self.takes("group") { Owner::Group } else { Owner::Account };
        SelfTradePrevention { mode, owner }
    }

    /// Days and seconds, such as `3d`, `12.5s`, or both; in nanoseconds.
    pub fn time(&mut self) -> u64 {
        let is_time =
            |word: &&str| word.ends_with(['d', 's']) && word.starts_with(|c: char| c.is_ascii_digit());
        let mut ns = 0;
        let mut words = 0;
        while let Some(word) = self.words.next_if(is_time) {
            words += 1;
            if let Some(days) = word.strip_suffix('d') {
                ns += self.parse::<u64>(days) * 86_400_000_000_000;
            } else {
                let (whole, part) =
                    word.trim_end_matches('s').split_once('.').unwrap_or((word.trim_end_matches('s'), ""));
                ns += self.parse::<u64>(whole) * 1_000_000_000 + self.parse::<u64>(&format!("{part:0<9}"));
            }
        }
        if words == 0 {
            self.bad("no time such as 12.5s");
        }
        ns
    }
}
