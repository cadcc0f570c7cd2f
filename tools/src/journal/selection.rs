//! Selects records by the filters that `records`, `follow` and `export` share.

use super::concerns::Concerns;
use super::entry::{Entry, Undecodable};
use super::names::Names;
use super::source::Source;
use super::time::Given;
use anyhow::bail;
use clap::Args;
use dojima::domain::Timestamp;
use dojima_journal::Record;
use std::collections::BTreeSet;

/// The filters. A record is meant if it fits all of them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which records")]
pub(super) struct FilterArgs {
    /// From this sequence on
    #[arg(long, value_name = "SEQUENCE")]
    from: Option<u64>,
    /// Up to this sequence
    #[arg(long, value_name = "SEQUENCE")]
    to: Option<u64>,
    /// From this time on: 2026-11-24T21:44:35Z, or 21:44:35 of the day of the last record (UTC)
    #[arg(long, value_name = "TIME", value_parser = Given::parse)]
    since: Option<Given>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = Given::parse)]
    until: Option<Given>,
    /// About this account, by its number
    #[arg(long, value_name = "NUMBER")]
    account: Option<u32>,
    /// About this login, by its name or number
    #[arg(long, value_name = "LOGIN")]
    login: Option<String>,
    /// About this instrument, by its symbol or number
    #[arg(long, value_name = "INSTRUMENT")]
    instrument: Option<String>,
    /// Of this kind, such as enter or executed; may be given several times
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<String>,
}

impl FilterArgs {
    /// Whether the filters name a range of the journal, not only future records.
    pub(super) fn has_range(&self) -> bool {
        self.from.is_some() || self.to.is_some() || self.since.is_some() || self.until.is_some()
    }
}

/// The filters applied to a journal, and the names found in its records.
pub(super) struct Selection<'a> {
    source: &'a Source,
    args: &'a FilterArgs,
    since: Timestamp,
    /// Exclusive.
    until: Timestamp,
    kinds: BTreeSet<&'static str>,
    names: Names,
}

/// A selected record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selected {
    pub(super) entry: Entry,
    pub(super) concerns: Concerns,
}

impl<'a> Selection<'a> {
    /// # Errors
    /// When a kind does not exist, or the end of the journal cannot be read.
    pub(super) fn new(source: &'a Source, args: &'a FilterArgs) -> anyhow::Result<Self> {
        let of_day = |given: &Option<Given>| matches!(given, Some(Given::OfDay(_)));
        let needs_day = of_day(&args.since) || of_day(&args.until);
        let last = if needs_day { source.last()? } else { None };
        let last = last.map_or(Timestamp(0), |(_, time)| time);
        let moment = |given: Option<Given>, default| given.map_or(default, |given| given.moment(last));
        let mut kinds = BTreeSet::new();
        for kind in &args.kind {
            let known: Vec<&str> = source.content.kinds().map(|(_, word)| word).collect();
            let Some(found) = known.iter().find(|known| known.eq_ignore_ascii_case(kind)) else {
                let content = source.content.singular();
                bail!("no {content} is of kind {kind:?}; there are {}", known.join(", "));
            };
            kinds.insert(*found);
        }
        Ok(Self {
            source,
            args,
            since: moment(args.since, Timestamp(0)),
            until: moment(args.until, Timestamp(u64::MAX)),
            kinds,
            names: source.names(),
        })
    }

    /// As [`Self::new`], for readers of only the newest records.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn at_end(source: &'a Source, args: &'a FilterArgs) -> anyhow::Result<Self> {
        Ok(Self { names: source.names_at_end(), ..Self::new(source, args)? })
    }

    /// The names found so far.
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Reads a record; `None` if it is not selected. All records must pass through here, from the first one on, because
    /// later records use the names of earlier ones.
    ///
    /// # Errors
    /// When the record cannot be decoded.
    pub(super) fn take(&mut self, record: &Record<'_>) -> Result<Option<Selected>, Undecodable> {
        let entry = self.source.decode(record)?;
        self.names.note(&entry);
        let concerns = Concerns::of(&entry, &self.names);
        Ok(self.fits(&entry, &concerns).then_some(Selected { entry, concerns }))
    }

    fn fits(&self, entry: &Entry, concerns: &Concerns) -> bool {
        let args = self.args;
        args.from.is_none_or(|from| entry.sequence >= from)
            && args.to.is_none_or(|to| entry.sequence <= to)
            && (self.since..self.until).contains(&entry.time)
            && (self.kinds.is_empty() || self.kinds.contains(entry.kind))
            && args.account.is_none_or(|wanted| concerns.accounts.iter().flatten().any(|id| id.0 == wanted))
            && args.login.as_deref().is_none_or(|wanted| self.is_login(wanted, concerns))
            && args.instrument.as_deref().is_none_or(|wanted| self.is_instrument(wanted, concerns))
    }

    fn is_login(&self, wanted: &str, concerns: &Concerns) -> bool {
        concerns.logins.iter().flatten().any(|login| {
            let name = self.names.login_name(*login).map(|name| name.text());
            name.is_some_and(|name| name.eq_ignore_ascii_case(wanted)) || wanted.parse() == Ok(login.0)
        })
    }

    fn is_instrument(&self, wanted: &str, concerns: &Concerns) -> bool {
        concerns.instrument.is_some_and(|instrument| {
            let symbol = self.names.terms(instrument).map(|terms| terms.symbol.text());
            symbol.is_some_and(|symbol| symbol.eq_ignore_ascii_case(wanted))
                || wanted.parse() == Ok(instrument.0)
        })
    }

    /// Whether neither this record nor a later one can be selected.
    pub(super) fn is_past(&self, record: &Record<'_>) -> bool {
        self.args.to.is_some_and(|to| record.sequence > to) || record.time_ns >= self.until.0
    }

    /// A name in the filters that no record has: a typing error must not look like an empty result.
    pub(super) fn unknown_name(&self) -> Option<String> {
        let missing = |what: &str, wanted: &str, known: Vec<String>| {
            let is_known =
                wanted.parse::<u32>().is_ok() || known.iter().any(|known| known.eq_ignore_ascii_case(wanted));
            (!is_known).then(|| match known.is_empty() {
                true => format!("the records name no {what}; give its number instead of {wanted:?}"),
                false => format!("no {what} {wanted:?}; the records name {}", known.join(", ")),
            })
        };
        let login = self.args.login.as_deref();
        let login = login.and_then(|wanted| {
            missing("login", wanted, self.names.login_names().map(|name| name.text()).collect())
        });
        let instrument = self.args.instrument.as_deref();
        login.or_else(|| {
            missing("instrument", instrument?, self.names.symbols().map(|symbol| symbol.text()).collect())
        })
    }
}
