//! Writes a batch into the tables: one transaction, cached statements, several rows per statement for many rows.

#![deny(clippy::wildcard_enum_match_arm)]

use super::asked::{self, asked_columns};
use super::contracts;
use super::database::Database;
use super::error::SqlError;
use super::insert::{Binder, Insert, ROWS_PER_STATEMENT, insert, run, runs, some, sql_integer};
use super::mirror::Mirror;
use super::people::People;
use super::rows::{BalanceRow, OrderRow, Rare, Stored, TradeRow};
use crate::domain::{
    AdminEvent, Amount, Auction, Checkpoint, ClOrdId, Event, EventRecord, FeeTier, KillScope, LimitScope,
    Listing, MarketEvent, NameOrder, OrderEvent, Switch, Transfer, TransferReceived, TransferSent,
    VenueEvent,
};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use rusqlite::{Connection, ToSql};

/// Orders come in the order of their numbers, which rarely have gaps; so do trades. SQLite assigns each row the number
/// after the last one and appends it without a search.
const INSERT_ORDER: Insert = Insert {
    table: "orders",
    key: "order_id",
    names: concat!(
        "(login, account, user_ref, instrument, side, time_in_force, price, quantity, executed, open, reserved, status, ",
        "refusal, replaces, replaced_by, cl_ord_id, event, entered_ns, updated_ns, ",
        asked_columns!(),
        ")"
    ),
    columns: 19 + asked::COLUMNS,
    constants: "",
    then: "",
};

/// An order with only the columns that every order has.
const INSERT_PLAIN_ORDER: Insert = Insert {
    table: "orders",
    key: "order_id",
    names: concat!(
        "(login, account, user_ref, instrument, side, time_in_force, price, quantity, executed, open, reserved, status, ",
        "replaces, replaced_by, event, entered_ns, updated_ns, ",
        asked_columns!(),
        ")"
    ),
    columns: 17,
    constants: asked::NOTHING,
    then: "",
};

const UPDATE_ORDER: &str = "UPDATE orders SET quantity = ?2, executed = ?3, open = ?4, reserved = ?5, status = ?6, \
                            refusal = ?7, replaced_by = ?8, updated_ns = ?9 WHERE order_id = ?1";

const INSERT_TRADE: Insert = Insert {
    table: "trades",
    key: "trade_id",
    names: "(event, time_ns, instrument, taker_side, kind, price, quantity, notional, \
           maker_order, maker_account, maker_fee, taker_order, taker_account, taker_fee)",
    columns: 14,
    constants: "",
    then: "",
};

const UPSERT_BALANCE: Insert = Insert {
    table: "balances",
    key: "",
    names: "(account, asset, shard, total, reserved)",
    columns: 5,
    constants: "",
    then: "ON CONFLICT (account, asset, shard) DO UPDATE SET total = excluded.total, reserved = excluded.reserved",
};

/// Inserts all of these orders. Almost all are plain, and binding default values costs as much as binding others.
fn insert_orders(connection: &Connection, rows: &[OrderRow]) -> rusqlite::Result<usize> {
    let (many, few) = rows.as_chunks::<ROWS_PER_STATEMENT>();
    let mut count = 0;
    if !many.is_empty() {
        let mut plain = connection.prepare_cached(&INSERT_PLAIN_ORDER.sql(ROWS_PER_STATEMENT))?;
        let mut any = connection.prepare_cached(&INSERT_ORDER.sql(ROWS_PER_STATEMENT))?;
        for rows in many {
            count += match rows.iter().all(OrderRow::is_plain) {
                true => insert(&mut plain, rows, bind_plain_order)?,
                false => insert(&mut any, rows, bind_order)?,
            };
        }
    }
    Ok(count + INSERT_ORDER.rows(connection, few, bind_order)?)
}

/// The value of `cl_ord_id`: NULL if the text is only spaces.
fn shown(text: &ClOrdId) -> Option<String> {
    (text.0 != ClOrdId::default().0).then(|| text.text())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the mirror's batch and its watermark in one transaction, and returns the number of rows. On an error the
/// database and the mirror are unchanged.
pub(super) fn write_batch(database: &Database, mirror: &mut Mirror) -> Result<usize, SqlError> {
    let connection = &database.connection;
    let outcome = connection
        .prepare_cached("BEGIN IMMEDIATE")
        .and_then(|mut begin| begin.execute([]))
        .map_err(database.error())
        .and_then(|_| write_rows(database, mirror))
        .and_then(|rows| {
            let committed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
            committed.map(|_| rows).map_err(database.error())
        });
    if outcome.is_err() && !connection.is_autocommit() {
        // If even this fails, the transaction ends when the owner drops the connection.
        database.run("ROLLBACK")?;
    }
    outcome
}

fn write_rows(database: &Database, mirror: &mut Mirror) -> Result<usize, SqlError> {
    let connection = &database.connection;
    let numbered = |table: &str, last: Option<u64>| match (last, connection.last_insert_rowid()) {
        (Some(last), given) if given != sql_integer(last) => {
            Err(database.content(format!("{last} of table {table} would have number {given}")))
        }
        _ => Ok(()),
    };
    let error = database.error();
    let mut rows = 0;
    // SQLite assigns the number after the highest in the table, which is correct only with one shard.
    let several = mirror.has_several_shards();
    for born in &mirror.batch.born {
        for (apart, run) in runs(born, |row: &OrderRow| several || row.order.begins_anew()) {
            if let Some(row) = apart {
                rows += INSERT_ORDER.row_at(connection, row.order.0, row, bind_order).map_err(&error)?;
            }
            rows += insert_orders(connection, run).map_err(&error)?;
        }
        numbered("orders", born.last().map(|row| row.order.0))?;
    }
    for (apart, run) in runs(&mirror.batch.trades, |row: &TradeRow| several || row.trade.begins_anew()) {
        if let Some(row) = apart {
            rows += INSERT_TRADE.row_at(connection, row.trade.0, row, bind_trade).map_err(&error)?;
        }
        rows += INSERT_TRADE.rows(connection, run, bind_trade).map_err(&error)?;
    }
    numbered("trades", mirror.batch.trades.last().map(|row| row.trade.0))?;
    Ok(rows + write_others(database, mirror).map_err(&error)?)
}

/// Everything except new orders and trades.
fn write_others(database: &Database, mirror: &mut Mirror) -> rusqlite::Result<usize> {
    let connection = &database.connection;
    let mut rows = 0;
    for rare in &mirror.batch.rare {
        rows += write_rare(database, rare)?;
    }
    // In key order, so that neighbouring rows are written together.
    mirror.batch.changed.sort_unstable();
    mirror.batch.gone.sort_unstable_by_key(|row| row.order);
    let mut update = connection.prepare_cached(UPDATE_ORDER)?;
    let still_open = mirror.batch.changed.iter().filter_map(|order| mirror.open_order(*order));
    for row in still_open.chain(&mirror.batch.gone) {
        debug_assert_eq!(row.stored, Stored::Yes, "an order of an earlier batch has a row");
        bind_order_change(&mut Binder::new(&mut update), row)?;
        rows += update.raw_execute()?;
    }
    let balances: Vec<BalanceRow> = mirror.balances.changed().collect();
    rows += UPSERT_BALANCE.rows(connection, &balances, bind_balance)?;
    let at = mirror.watermark;
    if at.event.is_multiple_of(4) && is_injected(InjectedFault::DropWatermark) {
        return Ok(rows);
    }
    connection
        .prepare_cached("UPDATE watermark SET event = ?1, sequence = ?2, time_ns = ?3")?
        .execute([at.event, at.sequence, at.time.0].map(sql_integer))?;
    Ok(rows + 1)
}

/// The columns that both inserts of an order begin with.
fn bind_columns_of_all(to: &mut Binder<'_, '_>, row: &OrderRow) -> rusqlite::Result<()> {
    to.signed(row.login.0)?;
    to.signed(row.account.0)?;
    to.signed(row.user_ref.0)?;
    to.signed(row.instrument.0)?;
    to.signed(row.side as u8)?;
    to.signed(row.time_in_force as u8)?;
    to.unsigned_or_null(row.price)?;
    to.unsigned(row.quantity.0)?;
    to.unsigned(row.executed.0)?;
    to.unsigned(row.open.0)?;
    to.signed(row.reserved.0)?;
    to.signed(row.status as u8)
}

fn bind_order(to: &mut Binder<'_, '_>, row: &OrderRow) -> rusqlite::Result<()> {
    bind_columns_of_all(to, row)?;
    to.value(row.refusal.map(|reason| reason.name()))?;
    to.unsigned_or_null(row.replaces.map(|order| order.0))?;
    to.unsigned_or_null(row.replaced_by.map(|order| order.0))?;
    to.value(shown(&row.cl_ord_id))?;
    to.unsigned(row.event)?;
    to.unsigned(row.entered.0)?;
    to.unsigned(row.updated.0)?;
    row.asked.bind(to)
}

fn bind_plain_order(to: &mut Binder<'_, '_>, row: &OrderRow) -> rusqlite::Result<()> {
    bind_columns_of_all(to, row)?;
    to.unsigned_or_null(row.replaces.map(|order| order.0))?;
    to.unsigned_or_null(row.replaced_by.map(|order| order.0))?;
    to.unsigned(row.event)?;
    to.unsigned(row.entered.0)?;
    to.unsigned(row.updated.0)
}

fn bind_order_change(to: &mut Binder<'_, '_>, row: &OrderRow) -> rusqlite::Result<()> {
    to.unsigned(row.order.0)?;
    to.unsigned(row.quantity.0)?;
    to.unsigned(row.executed.0)?;
    to.unsigned(row.open.0)?;
    to.signed(row.reserved.0)?;
    to.signed(row.status as u8)?;
    to.value(row.refusal.map(|reason| reason.name()))?;
    to.unsigned_or_null(row.replaced_by.map(|order| order.0))?;
    to.unsigned(row.updated.0)
}

fn bind_trade(to: &mut Binder<'_, '_>, row: &TradeRow) -> rusqlite::Result<()> {
    to.unsigned(row.event)?;
    to.unsigned(row.time.0)?;
    to.signed(row.instrument.0)?;
    to.signed(row.taker_side as u8)?;
    to.signed(row.kind as u8)?;
    to.unsigned(row.price)?;
    to.unsigned(row.quantity.0)?;
    to.signed(row.notional.0)?;
    for side in [&row.maker, &row.taker] {
        to.unsigned(side.order.0)?;
        to.signed(side.account.0)?;
        to.signed(side.fee.0)?;
    }
    Ok(())
}

fn bind_balance(to: &mut Binder<'_, '_>, row: &BalanceRow) -> rusqlite::Result<()> {
    to.signed(row.account.0)?;
    to.signed(row.asset.0)?;
    to.signed(row.shard.0)?;
    to.signed(row.total.0)?;
    to.signed(row.reserved.0)
}

/// An event that is a row by itself, or changes one of the rarely changed tables.
fn write_rare(database: &Database, rare: &Rare) -> rusqlite::Result<usize> {
    let Database { connection, people, .. } = database;
    match rare {
        Rare::Event(record) => write_event(connection, people, record),
        Rare::Priced(record, price) => write_priced(connection, record, *price),
        Rare::Rescaled { record, before, supply } => write_asset(connection, record, *before, *supply),
    }
}

fn write_event(connection: &Connection, people: &People, record: &EventRecord) -> rusqlite::Result<usize> {
    let (event, time) = (sql_integer(record.number), sql_integer(record.time.0));
    let run = |sql: &str, values: &[&dyn ToSql]| run(connection, sql, values);
    match &record.event {
        Event::Admin(AdminEvent::AssetAdded { asset, code, scale }) => {
            let unit = 10_i64.pow(u32::from(*scale));
            let asset_row = run(
                "INSERT INTO assets (asset, code, scale, unit) VALUES (?1, ?2, ?3, ?4)",
                &[&asset.0, &code.text(), scale, &unit],
            )?;
            Ok(asset_row + run(INSERT_SCALE, &[&asset.0, &event, scale, &unit, &0_i64])?)
        }
        Event::Venue(VenueEvent::AccountOpened { account }) => run(
            "INSERT INTO accounts (account, name, opened_ns) VALUES (?1, ?2, ?3)",
            &[&account.0, &people.accounts.get(account), &time],
        ),
        Event::Venue(VenueEvent::LoginOpened { login, account }) => run(
            "INSERT INTO logins (login, username, account, opened_ns) VALUES (?1, ?2, ?3, ?4)",
            &[&login.0, &people.logins.get(login), &account.0, &time],
        ),
        Event::Admin(AdminEvent::InstrumentListed(listing)) => write_listing(connection, listing, event),
        Event::Admin(AdminEvent::TermsSet(listing)) => write_terms(connection, listing, event),
        Event::Market(MarketEvent::PhaseSet { instrument, phase }) => {
            run("UPDATE instruments SET phase = ?2 WHERE instrument = ?1", &[&instrument.0, &phase.word()])
        }
        Event::Admin(AdminEvent::FeesSet(fees)) => {
            run(UPSERT_FEES, &[&fees.instrument.0, &fees.tier.0, &fees.maker.0, &fees.taker.0])
        }
        Event::Admin(AdminEvent::Deposited(transfer)) => {
            write_transfer(connection, record, transfer, transfer.amount.0)
        }
        Event::Admin(AdminEvent::Withdrawn(transfer)) => {
            write_transfer(connection, record, transfer, -transfer.amount.0)
        }
        Event::Admin(AdminEvent::Refused { reason }) => run(
            "INSERT INTO rejections (event, time_ns, reason) VALUES (?1, ?2, ?3)",
            &[&event, &time, &reason.name()],
        ),
        Event::Order(OrderEvent::Rejected(rejected)) => run(
            "INSERT INTO rejections (event, time_ns, login, user_ref, reason, cl_ord_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[
                &event,
                &time,
                &rejected.login.0,
                &rejected.user_ref.0,
                &rejected.reason.name(),
                &shown(&rejected.cl_ord_id),
            ],
        ),
        Event::Order(OrderEvent::ChangeRejected(refused)) => run(
            "INSERT INTO rejections (event, time_ns, login, user_ref, reason, order_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[
                &event,
                &time,
                &refused.login.0,
                &refused.user_ref.0,
                &refused.reason.name(),
                &sql_integer(refused.order.0),
            ],
        ),
        Event::Order(OrderEvent::Ignored(ignored)) => run(
            "INSERT INTO ignored_messages (event, time_ns, login, session, user_ref, reason) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[&event, &time, &ignored.login.0, &ignored.session, &ignored.user_ref.0, &ignored.reason.name()],
        ),
        Event::Order(OrderEvent::Armed(armed)) => {
            let trigger = armed.trigger.as_ref();
            run(
                "INSERT INTO armed_orders (order_id, event, trigger_kind, trigger_reference, trigger_price, linked_order) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                &[
                    &sql_integer(armed.order.0),
                    &event,
                    &trigger.map(|trigger| trigger.kind.word()),
                    &trigger.map(|trigger| trigger.reference.word()),
                    &trigger.map(|trigger| trigger.price),
                    &armed.oco.map(|order| sql_integer(order.0)),
                ],
            )
        }
        Event::Order(OrderEvent::MassCanceled { login, user_ref, canceled, instrument, side }) => run(
            "INSERT INTO mass_cancels (event, time_ns, login, user_ref, canceled, instrument, side) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[
                &event,
                &time,
                &login.map(|login| login.0),
                &user_ref.0,
                canceled,
                &instrument.map(|instrument| instrument.0),
                &side.map(|side| side as u8),
            ],
        ),
        Event::Order(OrderEvent::TransferSent(sent)) => write_sent(connection, record, sent),
        Event::Admin(AdminEvent::TransferReceived(TransferReceived { transfer, .. })) => run(
            "UPDATE shard_transfers SET received_event = ?4, received_ns = ?5 \
             WHERE from_shard = ?1 AND to_shard = ?2 AND number = ?3",
            &[&transfer.from.0, &transfer.to.0, &sql_integer(transfer.number), &event, &time],
        ),
        Event::Venue(VenueEvent::RulesSet { edition }) => {
            run("INSERT INTO rules VALUES (?1, ?2, ?3)", &[&event, &time, edition])
        }
        Event::Venue(VenueEvent::Led { epoch, node }) => {
            run("INSERT INTO leads VALUES (?1, ?2, ?3, ?4)", &[&event, &time, &sql_integer(*epoch), node])
        }
        Event::Venue(VenueEvent::SessionRolled { session }) => {
            run("INSERT INTO sessions VALUES (?1, ?2, ?3)", &[session, &event, &time])
        }
        Event::Venue(VenueEvent::SessionStarted { login, session }) => {
            run("INSERT INTO login_sessions VALUES (?1, ?2, ?3, ?4)", &[&login.0, session, &event, &time])
        }
        Event::Venue(VenueEvent::ShardOpened { shard, name }) => {
            run("INSERT INTO shards VALUES (?1, ?2, ?3)", &[&shard.0, &name.text(), &event])
        }
        Event::Venue(VenueEvent::AccountCopied { login, account }) => {
            run("INSERT INTO copies VALUES (?1, ?2, ?3)", &[&login.0, &account.0, &event])
        }
        Event::Order(OrderEvent::OrderNamed(NameOrder { login, session, user_ref, name })) => run(
            "INSERT INTO order_names VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[&event, &time, &login.0, session, &user_ref.0, &name.text()],
        ),
        Event::Order(OrderEvent::OrderEntrySet(set)) => run(
            "INSERT OR REPLACE INTO order_entry VALUES (?1, ?2, ?3)",
            &[&set.login.0, &(set.switch == Switch::On), &event],
        ),
        // An auction without crossing orders; one with a price arrives as a priced event.
        Event::Market(MarketEvent::Uncrossed(auction)) => write_auction(connection, record, auction, None),
        Event::Venue(VenueEvent::LimitsSet { limits }) => run(
            "UPDATE venue SET orders_max = ?1, orders_touched_max = ?2, account_orders_max = ?3, account_triggers_max = ?4",
            &[
                &limits.orders_max,
                &limits.orders_touched_max,
                &limits.account_orders_max,
                &limits.account_triggers_max,
            ],
        ),
        Event::Admin(AdminEvent::ProtectionSet { instrument, protection }) => run(
            "INSERT OR REPLACE INTO protections VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            &[
                &instrument.0,
                &some(protection.price_min),
                &some(protection.price_max),
                &some(protection.reference),
                &some(protection.static_band.0),
                &some(protection.dynamic_band.0),
                &some(protection.interruption_s),
                &some(protection.market_collar.0),
            ],
        ),
        Event::Admin(AdminEvent::OrderLimitsSet { scope, limits }) => {
            let (scope, id) = match scope {
                LimitScope::Instrument(instrument) => ("instrument", instrument.0),
                LimitScope::Account(account) => ("account", account.0),
                LimitScope::Login(login) => ("login", login.0),
            };
            run(
                "INSERT OR REPLACE INTO order_limits VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                &[
                    &scope,
                    &id,
                    &some(sql_integer(limits.quantity_max.0)),
                    &some(limits.notional_max.0),
                    &some(limits.open_orders_max),
                    &some(limits.triggers_max),
                    &some(limits.orders_per_second_max),
                    &some(sql_integer(limits.position_max.0)),
                ],
            )
        }
        Event::Admin(AdminEvent::SelfTradeSet(set)) => run(
            "UPDATE accounts SET self_trade = ?2, self_trade_owner = ?3, group_id = ?4 WHERE account = ?1",
            &[&set.account.0, &set.prevention.mode.word(), &set.prevention.owner.word(), &some(set.group.0)],
        ),
        Event::Admin(AdminEvent::TierSet { account, tier }) => {
            run("UPDATE accounts SET tier = ?2 WHERE account = ?1", &[&account.0, &tier.0])
        }
        Event::Admin(AdminEvent::VolumeTiersSet(tiers)) => {
            let mut rows = run("UPDATE venue SET volume_asset = ?1", &[&tiers.asset.0])?;
            for (tier, least) in (0_u8..).zip(tiers.volume_min) {
                let least = (least.0 < i64::MAX).then_some(least.0);
                rows += run("INSERT OR REPLACE INTO volume_tiers VALUES (?1, ?2)", &[&tier, &least])?;
            }
            Ok(rows)
        }
        Event::Admin(AdminEvent::Killed { scope: KillScope::Account(account), switch }) => {
            run("UPDATE accounts SET killed = ?2 WHERE account = ?1", &[&account.0, &(*switch == Switch::On)])
        }
        Event::Admin(AdminEvent::Killed { scope: KillScope::Venue, switch }) => {
            run("UPDATE venue SET killed = ?1", &[&(*switch == Switch::On)])
        }
        Event::Venue(VenueEvent::Checkpointed(Checkpoint { of, digest })) => run(
            "INSERT INTO checkpoints (event, time_ns, sequence, digest) VALUES (?1, ?2, ?3, ?4)",
            &[&event, &time, &sql_integer(*of), &hexadecimal(digest)],
        ),
        Event::Contract(told) => contracts::write(connection, record, told, None),
        // These are rows of the frequently changed tables, are written with additional values, or are not stored.
        Event::Order(
            OrderEvent::Accepted(_)
            | OrderEvent::Replaced(_)
            | OrderEvent::Canceled(_)
            | OrderEvent::Executed(_)
            | OrderEvent::Amended(_)
            | OrderEvent::Restated(_)
            | OrderEvent::Triggered(_)
            | OrderEvent::AccountState { .. }
            | OrderEvent::WalletState(_)
            | OrderEvent::IndexAnswered(_)
            | OrderEvent::PositionState(_)
            | OrderEvent::PriorityUpdated(_),
        )
        // The other side of a transfer's arrival says the same.
        | Event::Admin(AdminEvent::MarkSet { .. } | AdminEvent::AssetSet(_) | AdminEvent::TransferDone(_))
        | Event::Market(MarketEvent::Indicative(_))
        | Event::Venue(VenueEvent::SessionEnded { .. } | VenueEvent::Opened { .. }) => Ok(0),
    }
}

/// An event with a price, which is given in price units.
fn write_priced(connection: &Connection, record: &EventRecord, price: u64) -> rusqlite::Result<usize> {
    let (time, price) = (sql_integer(record.time.0), sql_integer(price));
    match &record.event {
        // If the order has no row, it was armed by an event before the first one in the tables.
        Event::Order(OrderEvent::Triggered(triggered)) => run(
            connection,
            "UPDATE armed_orders SET triggered_ns = ?2, triggered_at = ?3 WHERE order_id = ?1",
            &[&sql_integer(triggered.order.0), &time, &price],
        ),
        Event::Admin(AdminEvent::MarkSet { instrument, .. }) => {
            run(connection, REPLACE_MARK, &[&instrument.0, &price, &time])
        }
        Event::Market(MarketEvent::Uncrossed(auction)) => {
            write_auction(connection, record, auction, Some(price))
        }
        Event::Contract(event) => contracts::write(connection, record, event, Some(price)),
        Event::Admin(
            AdminEvent::AssetAdded { .. }
            | AdminEvent::InstrumentListed(_)
            | AdminEvent::Deposited(_)
            | AdminEvent::Withdrawn(_)
            | AdminEvent::Refused { .. }
            | AdminEvent::TermsSet(_)
            | AdminEvent::FeesSet(_)
            | AdminEvent::ProtectionSet { .. }
            | AdminEvent::OrderLimitsSet { .. }
            | AdminEvent::AssetSet(_)
            | AdminEvent::SelfTradeSet(_)
            | AdminEvent::TierSet { .. }
            | AdminEvent::VolumeTiersSet(_)
            | AdminEvent::Killed { .. }
            | AdminEvent::TransferReceived(_)
            | AdminEvent::TransferDone(_),
        )
        | Event::Venue(
            VenueEvent::AccountOpened { .. }
            | VenueEvent::LoginOpened { .. }
            | VenueEvent::Opened { .. }
            | VenueEvent::LimitsSet { .. }
            | VenueEvent::Checkpointed(_)
            | VenueEvent::RulesSet { .. }
            | VenueEvent::Led { .. }
            | VenueEvent::SessionEnded { .. }
            | VenueEvent::SessionStarted { .. }
            | VenueEvent::SessionRolled { .. }
            | VenueEvent::ShardOpened { .. }
            | VenueEvent::AccountCopied { .. },
        )
        | Event::Market(MarketEvent::PhaseSet { .. } | MarketEvent::Indicative(_))
        | Event::Order(
            OrderEvent::Accepted(_)
            | OrderEvent::Rejected(_)
            | OrderEvent::Replaced(_)
            | OrderEvent::Canceled(_)
            | OrderEvent::Executed(_)
            | OrderEvent::Ignored(_)
            | OrderEvent::ChangeRejected(_)
            | OrderEvent::Amended(_)
            | OrderEvent::Armed(_)
            | OrderEvent::Restated(_)
            | OrderEvent::MassCanceled { .. }
            | OrderEvent::AccountState { .. }
            | OrderEvent::PositionState(_)
            | OrderEvent::OrderEntrySet(_)
            | OrderEvent::OrderNamed(_)
            | OrderEvent::PriorityUpdated(_)
            | OrderEvent::TransferSent(_)
            | OrderEvent::IndexAnswered(_)
            | OrderEvent::WalletState(_),
        ) => Ok(0),
    }
}

fn write_auction(
    connection: &Connection,
    record: &EventRecord,
    auction: &Auction,
    price: Option<i64>,
) -> rusqlite::Result<usize> {
    run(
        connection,
        "INSERT INTO auctions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            &sql_integer(record.number),
            &sql_integer(record.time.0),
            &auction.instrument.0,
            &(auction.kind as u8),
            &price,
            &sql_integer(auction.volume.0),
            &sql_integer(auction.imbalance.0),
            &(auction.imbalance_side as u8),
        ],
    )
}

const REPLACE_MARK: &str = "INSERT OR REPLACE INTO marks VALUES (?1, ?2, ?3)";

const INSERT_SCALE: &str = "INSERT INTO asset_scales VALUES (?1, ?2, ?3, ?4, ?5)";

const UPSERT_FEES: &str = "INSERT OR REPLACE INTO fees VALUES (?1, ?2, ?3, ?4)";

/// An asset's settings. If its scale changed, the amounts of it in other settings change too; listings follow as
/// separate events.
fn write_asset(
    connection: &Connection,
    record: &EventRecord,
    before: u8,
    supply: Amount,
) -> rusqlite::Result<usize> {
    let Event::Admin(AdminEvent::AssetSet(settings)) = &record.event else { return Ok(0) };
    let (asset, scale) = (settings.asset.0, settings.scale);
    let unit = 10_i64.pow(u32::from(scale));
    let mut rows = run(
        connection,
        "UPDATE assets SET scale = ?2, unit = ?3, deposits = ?4, withdrawals = ?5, min_deposit = ?6, \
         min_withdrawal = ?7 WHERE asset = ?1",
        &[
            &asset,
            &scale,
            &unit,
            &(settings.deposits == Switch::On),
            &(settings.withdrawals == Switch::On),
            &settings.min_deposit.0,
            &settings.min_withdrawal.0,
        ],
    )?;
    if scale == before {
        return Ok(rows);
    }
    let event = sql_integer(record.number);
    rows += run(connection, INSERT_SCALE, &[&asset, &event, &scale, &unit, &supply.0])?;
    let power = 10_i64.pow(u32::from(scale.abs_diff(before)));
    let (times, by) = if scale > before { (power, 1) } else { (1, power) };
    rows += run(
        connection,
        "UPDATE order_limits SET notional_max = notional_max * ?2 / ?3 WHERE scope = 'instrument' AND id IN (\
         SELECT instrument FROM instruments WHERE quote = ?1 AND phase <> 'delisted')",
        &[&asset, &times, &by],
    )?;
    rows += run(
        connection,
        "UPDATE volume_tiers SET volume_min = volume_min * ?2 / ?3 WHERE (SELECT volume_asset FROM venue) = ?1",
        &[&asset, &times, &by],
    )?;
    rows += run(
        connection,
        "UPDATE funds SET amount = amount * ?2 / ?3 WHERE asset = ?1",
        &[&asset, &times, &by],
    )?;
    Ok(rows)
}

fn write_listing(connection: &Connection, listing: &Listing, event: i64) -> rusqlite::Result<usize> {
    let mut rows = run(
        connection,
        "INSERT INTO instruments (instrument, symbol, base, quote, price_decimals, price_unit, tick_units, lot, \
         tick_value, min_quantity, max_quantity, min_notional, fee_asset, phase, shard, product) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        &[
            &listing.instrument.0,
            &listing.symbol.text(),
            &listing.base.0,
            &listing.quote.0,
            &listing.price_decimals,
            &10_i64.pow(u32::from(listing.price_decimals)),
            &listing.tick_units,
            &listing.lot.0,
            &listing.tick_value.0,
            &sql_integer(listing.min_quantity.0),
            &sql_integer(listing.max_quantity.0),
            &listing.min_notional.0,
            &listing.fee_asset.word(),
            &listing.phase.word(),
            &listing.shard.0,
            &listing.product.word(),
        ],
    )?;
    for tier in 0..FeeTier::COUNT as u8 {
        let (maker, taker) = (listing.maker_fee.0, listing.taker_fee.0);
        rows += run(connection, UPSERT_FEES, &[&listing.instrument.0, &tier, &maker, &taker])?;
    }
    Ok(rows + insert_terms(connection, listing, event)?)
}

/// New terms of a listed instrument.
fn write_terms(connection: &Connection, listing: &Listing, event: i64) -> rusqlite::Result<usize> {
    let rows = run(
        connection,
        "UPDATE instruments SET tick_units = ?2, lot = ?3, tick_value = ?4, min_quantity = ?5, max_quantity = ?6, \
         min_notional = ?7 WHERE instrument = ?1",
        &[
            &listing.instrument.0,
            &listing.tick_units,
            &listing.lot.0,
            &listing.tick_value.0,
            &sql_integer(listing.min_quantity.0),
            &sql_integer(listing.max_quantity.0),
            &listing.min_notional.0,
        ],
    )?;
    Ok(rows + insert_terms(connection, listing, event)?)
}

fn insert_terms(connection: &Connection, listing: &Listing, event: i64) -> rusqlite::Result<usize> {
    run(
        connection,
        "INSERT INTO instrument_terms VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            &listing.instrument.0,
            &event,
            &listing.tick_units,
            &listing.lot.0,
            &listing.tick_value.0,
            &sql_integer(listing.min_quantity.0),
            &sql_integer(listing.max_quantity.0),
            &listing.min_notional.0,
        ],
    )
}

fn write_transfer(
    connection: &Connection,
    record: &EventRecord,
    transfer: &Transfer,
    change: i64,
) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO transfers (event, time_ns, account, asset, amount, reference, shard) \
         VALUES (?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(rusqlite::params![
        sql_integer(record.number),
        sql_integer(record.time.0),
        transfer.account.0,
        transfer.asset.0,
        change,
        sql_integer(transfer.reference),
        transfer.shard.0,
    ])
}

fn write_sent(connection: &Connection, record: &EventRecord, sent: &TransferSent) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO shard_transfers (from_shard, to_shard, number, account, asset, amount, reference, login, \
         sent_event, sent_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(rusqlite::params![
        sent.transfer.from.0,
        sent.transfer.to.0,
        sql_integer(sent.transfer.number),
        sent.transfer.account.0,
        sent.transfer.asset.0,
        sent.transfer.amount.0,
        sql_integer(sent.reference),
        sent.login.map(|login| login.0),
        sql_integer(record.number),
        sql_integer(record.time.0),
    ])
}
