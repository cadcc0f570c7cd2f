//! `summary` and `records`.

use crate::recorded::*;
use dojima::domain::{
    AccountId, AdminCommand, Command, Event, InstrumentId, LoginId, OrderCommand, OrderEvent, UserRef,
    VenueCommand,
};
use dojima_journal::storage::FileStorage;
use dojima_journal::{Retire, retire_before};
use std::collections::BTreeMap;

fn data() -> String {
    arg(&DATA)
}

/// Whom a command is about, found again without the tool: account by login, instrument by (login, number).
fn concerns(commands: &[Recorded]) -> Vec<(Option<AccountId>, Option<InstrumentId>)> {
    let mut accounts = BTreeMap::<LoginId, AccountId>::new();
    let mut orders = BTreeMap::<(LoginId, UserRef), InstrumentId>::new();
    let mut last = BTreeMap::<LoginId, UserRef>::new();
    let mut of = |command: &Command| match command {
        Command::Venue(VenueCommand::OpenAccount { account }) => (Some(*account), None),
        Command::Venue(VenueCommand::OpenLogin { login, account, .. }) => {
            accounts.insert(*login, *account);
            (Some(*account), None)
        }
        Command::Admin(AdminCommand::ListInstrument(list)) => (None, Some(list.instrument)),
        Command::Admin(AdminCommand::Deposit(transfer) | AdminCommand::Withdraw(transfer)) => {
            (Some(transfer.account), None)
        }
        Command::Order(OrderCommand::Enter(enter)) => {
            if last.get(&enter.login).is_none_or(|last| *last < enter.user_ref) {
                last.insert(enter.login, enter.user_ref);
                orders.insert((enter.login, enter.user_ref), enter.instrument);
            }
            (accounts.get(&enter.login).copied(), Some(enter.instrument))
        }
        Command::Order(OrderCommand::Replace(replace)) => {
            let instrument = orders.get(&(replace.login, replace.orig_user_ref)).copied();
            if let Some(instrument) = instrument
                && last.get(&replace.login).is_none_or(|last| *last < replace.user_ref)
            {
                last.insert(replace.login, replace.user_ref);
                orders.insert((replace.login, replace.user_ref), instrument);
            }
            (accounts.get(&replace.login).copied(), instrument)
        }
        Command::Order(OrderCommand::Cancel(cancel)) => {
            (accounts.get(&cancel.login).copied(), orders.get(&(cancel.login, cancel.user_ref)).copied())
        }
        _ => (None, None),
    };
    commands.iter().map(|recorded| of(&recorded.command)).collect()
}

#[test]
fn the_summary_counts_what_is_there() {
    let commands = commands_in(&DATA.join("journal"));
    let summary = good(["summary", &data()]);
    let count = |wanted: fn(&Command) -> bool| {
        let count = commands.iter().filter(|recorded| wanted(&recorded.command)).count() as u64;
        dojima::cli::show::thousands(count)
    };
    let row = |name: &str| {
        let row = summary.lines().find(|line| line.trim_start().starts_with(name));
        row.unwrap_or_else(|| panic!("no {name} in\n{summary}")).to_owned()
    };
    assert!(
        row("enter").contains(&count(|command| matches!(command, Command::Order(OrderCommand::Enter(_))))),
        "{summary}"
    );
    assert!(
        row("cancel").contains(&count(|command| matches!(command, Command::Order(OrderCommand::Cancel(_))))),
        "{summary}"
    );
    let total = dojima::cli::show::thousands(commands.len() as u64);
    assert!(row("records").contains(&format!("{total} commands")), "{summary}");
    assert!(row("sequences").contains(&format!("1 to {total}")), "{summary}");
    assert!(row("seals").contains(" 1,"), "{summary}");
    assert!(row("verdict").contains("stopped in good order"), "{summary}");
    // Records by segment, and those that wait for their use.
    for segment in 1..=commands.last().expect("some").segment {
        let inside = commands.iter().filter(|recorded| recorded.segment == segment).count() as u64;
        let row = row(&format!("{segment:010}.seg"));
        assert!(row.contains(&dojima::cli::show::thousands(inside)), "{summary}");
    }
    assert!(commands.last().expect("some").segment > 1, "several segments");
    assert!(summary.contains("spare"), "{summary}");
    // A part of a data directory can be named itself, and the event log is found beside the journal.
    assert_eq!(good(["summary", &arg(&DATA.join("journal"))]), summary);
    let events = good(["summary", &data(), "--events"]);
    assert!(events.contains("accepted") && events.contains("executed"), "{events}");
    assert_eq!(good(["summary", &arg(&DATA.join("events"))]), events);
}

#[test]
fn archives_and_snapshots_are_found_and_archived_records_are_read() {
    let folder = copy(&DATA);
    std::fs::create_dir_all(folder.path().join("snapshots")).expect("made");
    std::fs::write(folder.path().join("snapshots/00000000000000001234.snap"), [0; 2048]).expect("written");
    let whole = good(["records", &data()]);
    let last = *sequences(&whole).last().expect("records");
    let files = FileStorage::new(&folder.path().join("journal"));
    let retired = retire_before(&files, last, Retire::Archive).expect("archived");
    assert!(retired.segments > 0);
    let summary = good(["summary", &arg(folder.path())]);
    assert!(summary.contains("0000000001.seg.zst"), "{summary}");
    assert!(summary.contains("00000000000000001234.snap, after command 1,234, 2.00 KiB"), "{summary}");
    assert_eq!(good(["records", &arg(folder.path())]), whole);
    good(["verify", &arg(folder.path())]);
    // Once an archive is gone too, what is left can still be read.
    std::fs::remove_file(folder.path().join("journal/0000000001.seg.zst")).expect("removed");
    let rest = good(["records", &arg(folder.path()), "--count", "1"]);
    assert!(sequences(&rest)[0] > 1, "{rest}");
    // Whose logins they are, and what is traded in which decimals, the snapshot of the last stop still knows.
    let enter = good(["records", &arg(folder.path()), "--count", "1", "--kind", "enter"]);
    assert!(enter.contains("-USDT side=") && enter.contains(" account="), "{enter}");
    assert!(!enter.contains("lots") && !enter.contains("login=0"), "{enter}");
}

#[test]
fn filters_show_what_is_meant_and_nothing_else() {
    let commands = commands_in(&DATA.join("journal"));
    let concerns = concerns(&commands);
    let expect = |wanted: &dyn Fn(usize, &Recorded) -> bool| -> Vec<u64> {
        let fits = commands.iter().enumerate().filter(|(at, recorded)| wanted(*at, recorded));
        fits.map(|(_, recorded)| recorded.sequence).collect()
    };
    let shown =
        |filters: &[&str]| sequences(&good(["records", &data()].into_iter().chain(filters.iter().copied())));
    assert_eq!(shown(&[]), expect(&|_, _| true));
    assert_eq!(shown(&["--from", "100", "--to", "150"]), (100..=150).collect::<Vec<_>>());
    assert_eq!(shown(&["--from", "19000", "--count", "3"]), [19_000, 19_001, 19_002]);
    let account = expect(&|at, _| concerns[at].0 == Some(AccountId(2)));
    assert!(account.len() > 1_000);
    assert_eq!(shown(&["--account", "2"]), account);
    let instrument = expect(&|at, _| concerns[at].1 == Some(InstrumentId(1)));
    let cancels = |recorded: &Recorded| matches!(recorded.command, Command::Order(OrderCommand::Cancel(_)));
    let cancels_of_it = expect(&|at, recorded| cancels(recorded) && concerns[at].1 == Some(InstrumentId(1)));
    assert!(cancels_of_it.len() > 1_000, "cancels name no instrument, and are found");
    assert_eq!(shown(&["--instrument", "ETH-USDT"]), instrument);
    assert_eq!(shown(&["--instrument", "1"]), instrument);
    assert_eq!(shown(&["--instrument", "eth-usdt", "--kind", "cancel"]), cancels_of_it);
    let kinds = expect(&|_, recorded| {
        matches!(recorded.command, Command::Order(OrderCommand::Replace(_))) || cancels(recorded)
    });
    assert_eq!(shown(&["--kind", "replace", "--kind", "cancel"]), kinds);
    assert_eq!(shown(&["--kind", "replace,cancel"]), kinds);
    // The login has a name, and the account of it is told with every record.
    let name = commands.iter().find_map(|recorded| match recorded.command {
        Command::Venue(VenueCommand::OpenLogin { login: LoginId(1), name, .. }) => Some(name.text()),
        _ => None,
    });
    let login = shown(&["--login", &name.expect("a login")]);
    assert_eq!(login, shown(&["--login", "1"]));
    assert!(login.len() > 1_000);
}

#[test]
fn times_are_those_of_the_records() {
    let folder = small_journal(200);
    let records = |filters: &[&str]| {
        sequences(&good(["records", &arg(folder.path())].into_iter().chain(filters.iter().copied())))
    };
    // Record n was written n seconds after 2023-11-14T22:13:20Z.
    assert_eq!(records(&["--since", "2023-11-14T22:13:30Z", "--until", "2023-11-14 22:13:33"]), [10, 11, 12]);
    assert_eq!(records(&["--since", "22:13:30", "--until", "22:13:33"]), [10, 11, 12]);
    assert_eq!(records(&["--until", "22:13:22"]), [1]);
    assert_eq!(records(&["--since", "22:16:40.000000001"]), [0; 0]);
    assert_eq!(records(&["--since", "22:16:40"]), [200]);
}

#[test]
fn positions_are_where_the_records_stand() {
    let commands = commands_in(&DATA.join("journal"));
    let lines = good(["records", &data(), "--position"]);
    for (line, recorded) in lines.lines().zip(&commands) {
        let place = format!("  {:010}.seg:{} ", recorded.segment, recorded.offset);
        assert!(line.contains(&place), "{place:?} is not in {line}");
    }
    assert_eq!(lines.lines().count(), commands.len());
}

#[test]
fn lines_are_written_for_people() {
    let lines = good(["records", &data(), "--count", "60"]);
    let line = |word: &str| lines.lines().find(|line| line.contains(word)).expect("a line").to_owned();
    let enter = line("  enter ");
    for word in ["login=", "account=", "instrument=", "side=", "price=6", "quantity="] {
        assert!(enter.contains(word), "{word} is not in {enter}");
    }
    // Prices and quantities are decimals: 60022.00 and 2.8985, not price units and lots.
    let decimal = |word: &str| {
        let value =
            enter.split(word).nth(1).expect("the word").split(' ').next().expect("its value").to_owned();
        value.parse::<rust_decimal::Decimal>().expect("a decimal")
    };
    assert!(decimal("price=") < 100_000.into() && decimal("quantity=") < 100.into(), "{enter}");
    assert!(!enter.contains("capacity"), "what every order says is left out: {enter}");
    let deposit = line("  deposit ");
    assert!(deposit.contains("asset=USDT") || deposit.contains("asset=BTC"), "{deposit}");
    // An event log knows the names of logins by the journal beside it.
    let executed = good(["records", &data(), "--events", "--kind", "executed", "--count", "1"]);
    assert!(
        executed.contains("instrument=BTC-USDT") || executed.contains("instrument=ETH-USDT"),
        "{executed}"
    );
    let first = events_in(&DATA.join("events"))
        .into_iter()
        .find(|record| matches!(record.event, Event::Order(OrderEvent::Executed(_))))
        .expect("a trade");
    assert_eq!(sequences(&executed), [first.number]);
    assert!(executed.contains(&format!("command={}", first.sequence)), "{executed}");
    assert!(!executed.contains("maker_login=0"), "a name: {executed}");
}

#[test]
fn what_cannot_be_meant_is_an_error() {
    let said = |args: &[&str]| {
        let said = tool(args);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.starts_with("error: "), "{said:?}");
        said.err
    };
    assert!(said(&["records", &data(), "--kind", "cancle"]).contains("there are add-asset"));
    assert!(said(&["records", &data(), "--kind", "executed"]).contains("no command is of kind"));
    assert!(said(&["records", &data(), "--instrument", "XRP"]).contains("BTC-USDT"));
    assert!(said(&["records", &data(), "--login", "NOBODY"]).contains("no login"));
    assert!(said(&["records", &data(), "--since", "tomorrow"]).contains("21:44:35"));
    assert!(said(&["summary", "no-such-directory"]).contains("no directory no-such-directory"));
    let empty = tempfile::tempdir().expect("a directory");
    assert!(said(&["summary", &arg(empty.path())]).contains("no journal in"));
    assert!(said(&["verify", &arg(&DATA.join("dojima.sqlite"))]).contains("is a file, no directory"));
}
