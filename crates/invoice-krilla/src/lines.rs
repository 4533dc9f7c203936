use billing_core::{Invoice, InvoiceLine};

use crate::{
    company::CompanyDetails,
    content::{due, running_head},
    figure::{amount, day, days, grouped, number},
    font::Style,
    page::{Area, Ink, MARGIN, RIGHT, Sheets},
    text::{clean, wrap},
};

/// Where the columns end; descriptions begin at the margin.
const INSET: f32 = 9.0;
const QUANTITY: f32 = 350.0;
const UNIT: f32 = 445.0;
const AMOUNT: f32 = RIGHT - INSET;
const DESCRIPTION: f32 = QUANTITY - MARGIN - INSET - 50.0;
/// Where the sums begin.
const SUMS: f32 = 290.0;
const CELL: (Style, Ink) = (Style::regular(9.0), Ink::TEXT);
const QUIET: (Style, Ink) = (Style::regular(8.0), Ink::QUIET);
const HEADING: (Style, Ink) = (Style::bold(8.0), Ink::ACCENT);
/// At most so many lines of one description.
const DESCRIPTION_LINES: usize = 6;

/// What the invoice is made of, from where the page is filled to, on as many pages as it takes.
pub(crate) struct Table<'s, 'a, 'i> {
    pub(crate) sheets: &'s mut Sheets<'a>,
    pub(crate) company: &'i CompanyDetails,
    pub(crate) invoice: &'i Invoice,
}

impl Table<'_, '_, '_> {
    /// Sets lines, sums and payments.
    pub(crate) fn set(mut self) {
        self.heading();
        for line in &self.invoice.lines {
            self.line(line);
        }
        self.sums();
        self.payments();
    }

    fn heading(&mut self) {
        let y = self.sheets.y;
        self.sheets.area(Area { x: MARGIN, y, width: RIGHT - MARGIN, height: 22.0 }, 3.0, Ink::BAND);
        let base = y + 14.3;
        let amounts = format!("Amount ({})", self.invoice.total.currency);
        self.sheets.text(MARGIN + INSET, base, HEADING, "Description");
        self.sheets.text_to(QUANTITY, base, HEADING, "Quantity");
        self.sheets.text_to(UNIT, base, HEADING, "Unit price");
        self.sheets.text_to(AMOUNT, base, HEADING, &amounts);
        self.sheets.y += 28.0;
    }

    fn line(&mut self, line: &InvoiceLine) {
        let texts = wrap(self.sheets.fonts, CELL.0, &clean(&line.description), DESCRIPTION, DESCRIPTION_LINES);
        // The period of the whole invoice stands above.
        let period = line.period.filter(|period| Some(*period) != self.invoice.period);
        let period = period.as_ref().map(days);
        let mut height = 12.0;
        for text in &texts {
            height += if text.is_empty() { 0.0 } else { 12.8 };
        }
        height = f32::max(height, 24.8) + if period.is_some() { 11.5 } else { 0.0 };
        if !self.sheets.has_room(height) {
            self.sheets.turn();
            running_head(self.sheets, self.company, self.invoice);
            self.heading();
        }
        let (top, currency) = (self.sheets.y, self.invoice.total.currency);
        self.sheets.y = top + 12.8;
        self.sheets.fit_to(QUANTITY, 46.0, CELL, &grouped(&line.quantity.to_string()));
        self.sheets.fit_to(UNIT, 88.0, CELL, &number(line.unit_minor, currency));
        self.sheets.fit_to(AMOUNT, 84.0, CELL, &number(line.amount_minor, currency));
        let mut y = top;
        for text in &texts {
            y += 12.8;
            self.sheets.text(MARGIN + INSET, y, CELL, text);
        }
        if let Some(period) = period {
            self.sheets.text(MARGIN + INSET, y + 11.5, QUIET, &period);
        }
        self.sheets.y = top + height;
        self.sheets.rule(self.sheets.y - 4.0);
    }

    /// A line of the sums, on a new page if need be; `height` is what it and what belongs to it need.
    fn sum(&mut self, height: f32, look: (Style, Ink), label: &str, value: &str) {
        if !self.sheets.has_room(height) {
            self.sheets.turn();
            running_head(self.sheets, self.company, self.invoice);
        }
        self.sheets.y += 17.0;
        let most = AMOUNT - SUMS - 70.0;
        let room = AMOUNT - SUMS - self.sheets.fonts.width(look.0, value).min(most) - 12.0;
        self.sheets.fit_to(AMOUNT, most, look, value);
        for (before, line) in wrap(self.sheets.fonts, look.0, label, room, 2).iter().enumerate() {
            self.sheets.y += if before == 0 { 0.0 } else { 12.0 };
            self.sheets.text(SUMS, self.sheets.y, look, line);
        }
    }

    fn sums(&mut self) {
        let Invoice { subtotal_minor, tax_minor, total, .. } = *self.invoice;
        let look = (Style::regular(9.0), Ink::QUIET);
        self.sheets.y += 4.0;
        self.sum(110.0, look, "Subtotal", &amount(subtotal_minor, total.currency));
        self.sum(0.0, look, "Tax", &amount(tax_minor, total.currency));
        let y = self.sheets.y + 8.0;
        self.sheets.area(Area { x: SUMS, y, width: RIGHT - SUMS, height: 1.0 }, 0.0, Ink::ACCENT);
        self.sheets.y += 10.0;
        self.sum(0.0, (Style::bold(12.0), Ink::TEXT), "Total", &amount(total.minor, total.currency));
    }

    fn payments(&mut self) {
        let currency = self.invoice.total.currency;
        self.sheets.y += 4.0;
        for payment in &self.invoice.payments {
            let label = format!("Paid {} · {}", day(payment.at), clean(&payment.method));
            let value = amount(payment.amount_minor.saturating_neg(), currency);
            self.sum(34.0, (Style::regular(9.0), Ink::QUIET), &label, &value);
        }
        let due = due(self.invoice);
        let label = if due < 0 { "Credit" } else { "Amount due" };
        self.sum(34.0, (Style::bold(9.5), Ink::ACCENT), label, &amount(due, currency));
    }
}
