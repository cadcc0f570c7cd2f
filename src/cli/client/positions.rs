//! The positions of the account, in words and in a table.

use crate::client::units::Units;
use crate::client::{FundingPayment, PositionReport, PositionUpdate};
use crate::domain::{Amount, PositionCause, PositionLeg, decimal};

/// The columns of the table of positions.
const COLUMNS: [&str; 9] = ["contract", "side", "size", "entry", "mark", "profit", "margin", "liq.", "lev."];

/// The most columns of a line of the table; a wider one is said in sentences.
const WIDTH_MAX: usize = 80;

/// The lines about these positions: a table, or sentences if it is too wide. Those without lots are left out. An amount
/// of a contract without units is in minor units, a size in lots.
pub fn lines<'a>(
    positions: &[PositionReport],
    units: impl Fn(&PositionReport) -> Option<&'a Units>,
) -> Vec<String> {
    let held: Vec<_> = positions.iter().filter(|position| position.lots != 0).collect();
    let rows: Vec<[String; 9]> = held.iter().map(|position| row(position, units(position))).collect();
    if rows.is_empty() {
        return vec!["no positions".to_owned()];
    }
    let mut widths = COLUMNS.map(str::len);
    for row in &rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    if widths.iter().sum::<usize>() + 2 * (widths.len() - 1) > WIDTH_MAX {
        return rows.iter().flat_map(sentences).collect();
    }
    let line = |cells: [&str; 9]| {
        let cell = |(at, (cell, width)): (usize, (&str, &usize))| match at {
            0 | 1 => format!("{cell:<width$}", width = *width),
            _ => format!("{cell:>width$}", width = *width),
        };
        let cells: Vec<String> = cells.into_iter().zip(&widths).enumerate().map(cell).collect();
        cells.join("  ").trim_end().to_owned()
    };
    let rows = rows.iter().map(|row| line(row.each_ref().map(String::as_str)));
    std::iter::once(line(COLUMNS)).chain(rows).collect()
}

fn sentences(
    [contract, side, size, entry, mark, profit, margin, liquidation, leverage]: &[String; 9],
) -> [String; 2] {
    [
        format!("{contract}: {side} {size} at {entry}, {leverage}"),
        format!("  mark {mark}, profit {profit}, margin {margin}, liquidation price {liquidation}"),
    ]
}

fn row(position: &PositionReport, units: Option<&Units>) -> [String; 9] {
    let price = |price: u64| match price {
        0 => "none".to_owned(),
        price => shown_price(units, price),
    };
    [
        position.symbol.text(),
        side(position.lots).to_owned(),
        size(units, position.lots),
        price(position.entry),
        price(position.mark),
        amount(units, position.profit),
        position.margin_ratio_ppm().map_or_else(|| "none".to_owned(), percent),
        price(position.liquidation),
        format!("{}x", position.leverage),
    ]
}

/// Parts per million as a percentage with two decimals, rounded down.
fn percent(ppm: u64) -> String {
    format!("{}.{:02}%", ppm / 10_000, ppm / 100 % 100)
}

/// A sentence about a change of a position.
pub fn changed(update: &PositionUpdate, units: Option<&Units>) -> String {
    let why = match update.cause {
        PositionCause::Trade => "",
        PositionCause::Settled => " settled:",
        PositionCause::Offset => " offset:",
        PositionCause::CloseOut => " closed out:",
        PositionCause::Deleveraged => " deleveraged:",
    };
    let leg = match update.leg {
        PositionLeg::Net => "",
        PositionLeg::Long => " (long)",
        PositionLeg::Short => " (short)",
    };
    let now = match update.lots {
        0 => "no position".to_owned(),
        lots => {
            let entry = shown_price(units, update.entry);
            format!("{} {} at {entry}", side(lots), size(units, lots))
        }
    };
    let realised = match update.realised {
        0 => String::new(),
        profit if profit < 0 => format!(", lost {}", amount(units, profit.saturating_neg())),
        profit => format!(", gained {}", amount(units, profit)),
    };
    format!("position{why} {}{leg}: {now}{realised}", update.symbol.text())
}

/// A sentence about a funding.
pub fn funded(payment: &FundingPayment, units: Option<&Units>) -> String {
    let (done, paid) = match payment.amount {
        paid if paid < 0 => ("paid", paid.saturating_neg()),
        received => ("received", received),
    };
    format!("funding: {done} {} on {}", amount(units, paid), payment.symbol.text())
}

fn side(lots: i64) -> &'static str {
    if lots > 0 { "long" } else { "short" }
}

fn size(units: Option<&Units>, lots: i64) -> String {
    let lots = lots.unsigned_abs();
    units.map_or_else(|| format!("{lots} lots"), |units| units.quantity(lots).to_string())
}

fn shown_price(units: Option<&Units>, price: u64) -> String {
    let shown = units.and_then(|units| units.price(price));
    shown.map_or_else(|| format!("{price} units"), |price| price.to_string())
}

/// An amount of the settlement asset.
fn amount(units: Option<&Units>, amount: i64) -> String {
    match units {
        None => format!("{amount} minor units"),
        Some(units) => {
            let scale = units.product.settled_in(units.base_scale, units.quote_scale);
            let code = units.product.settled_in(&units.base, &units.quote);
            format!("{} {code}", decimal::show_amount(Amount(amount), scale))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Product, Symbol};

    fn perpetual(product: Product) -> Units {
        Units {
            symbol: Symbol::new("BTC-PERP").expect("a symbol"),
            price_decimals: 1,
            lot: Amount(100_000),
            base_scale: 8,
            base: "BTC".to_owned(),
            quote: "USDT".to_owned(),
            quote_scale: 6,
            product,
        }
    }

    fn report() -> PositionReport {
        PositionReport {
            symbol: Symbol::new("BTC-PERP").expect("a symbol"),
            leverage: 20,
            lots: -1_500,
            entry: 650_001,
            mark: 651_234,
            profit: -184_950_000,
            equity: 10_000_000_000,
            maintenance: 488_425_500,
            liquidation: 718_310,
            ..PositionReport::default()
        }
    }

    #[test]
    fn positions_are_a_table_of_80_columns() {
        let units = perpetual(Product::LinearPerpetual);
        let flat = PositionReport { lots: 0, ..report() };
        let safe = PositionReport { lots: 3, liquidation: 0, profit: 12_500_000, equity: -1, ..report() };
        let shown = lines(&[report(), flat, safe], |_| Some(&units));
        let expected = [
            "contract  side    size    entry     mark        profit  margin   liq.  lev.",
            "BTC-PERP  short    1.5  65000.1  65123.4  -184.95 USDT   4.88%  71831   20x",
            "BTC-PERP  long   0.003  65000.1  65123.4     12.5 USDT    none   none   20x",
        ];
        assert_eq!(shown, expected);
        assert!(shown.iter().all(|line| line.len() <= WIDTH_MAX), "{shown:?}");
        assert_eq!(lines(&[flat], |_| Some(&units)), ["no positions"]);
    }

    #[test]
    fn what_is_too_wide_for_a_table_is_said_in_sentences() {
        let units = perpetual(Product::LinearPerpetual);
        let wide = PositionReport { profit: -1_234_567_890_123, lots: 123_456_789, ..report() };
        let expected = [
            "BTC-PERP: long 123456.789 at 65000.1, 20x",
            "  mark 65123.4, profit -1234567.890123 USDT, margin 4.88%, liquidation price 71831",
        ];
        assert_eq!(lines(&[wide], |_| Some(&units)), expected);
        assert_eq!(lines(&[report()], |_| None)[0], "BTC-PERP: short 1500 lots at 650001 units, 20x");
    }

    #[test]
    fn changes_and_fundings_are_sentences() {
        let (linear, inverse) = (perpetual(Product::LinearPerpetual), perpetual(Product::InversePerpetual));
        let symbol = linear.symbol;
        let update = PositionUpdate { symbol, lots: 500, entry: 650_001, ..PositionUpdate::default() };
        assert_eq!(changed(&update, Some(&linear)), "position BTC-PERP: long 0.5 at 65000.1");
        let closed =
            PositionUpdate { lots: 0, realised: -1_200_000, cause: PositionCause::Settled, ..update };
        assert_eq!(changed(&closed, Some(&linear)), "position settled: BTC-PERP: no position, lost 1.2 USDT");
        let gained = PositionUpdate { realised: 150_000, leg: PositionLeg::Long, ..update };
        assert_eq!(
            changed(&gained, Some(&inverse)),
            "position BTC-PERP (long): long 50 at 65000.1, gained 0.0015 BTC"
        );
        let paid = FundingPayment { symbol, amount: -12_345, ..FundingPayment::default() };
        assert_eq!(funded(&paid, Some(&linear)), "funding: paid 0.012345 USDT on BTC-PERP");
        let received = FundingPayment { amount: 12_345, ..paid };
        assert_eq!(funded(&received, Some(&linear)), "funding: received 0.012345 USDT on BTC-PERP");
        assert_eq!(funded(&received, None), "funding: received 12345 minor units on BTC-PERP");
    }
}
