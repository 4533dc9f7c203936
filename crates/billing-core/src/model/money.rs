use std::{fmt, str::FromStr};

/// The text is no currency code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be three letters of ISO 4217, such as USD")]
pub struct BadCurrency;

/// A currency's code, ISO 4217, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The three letters.
    pub fn as_str(&self) -> &str {
        // They are ASCII letters: parsing saw to it.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many digits its minor unit stands behind the point: 2 for most, 0 for those that Stripe calls zero-decimal, 3 for dinars and
    /// the like. ISO 4217 gives UGX and ISK none and Stripe two; we count as Stripe does, whose amounts these are.
    pub const fn digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"JPY" | b"KMF" | b"KRW" | b"MGA" | b"PYG" | b"RWF" | b"VND"
            | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"JOD" | b"KWD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = BadCurrency;
    fn from_str(text: &str) -> Result<Self, BadCurrency> {
        let letters: [u8; 3] = text.as_bytes().try_into().or(Err(BadCurrency))?;
        let upper = letters.map(|letter| letter.to_ascii_uppercase());
        if upper.iter().all(u8::is_ascii_uppercase) { Ok(Self(upper)) } else { Err(BadCurrency) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An amount in minor units of its currency: 1 900 USD is nineteen dollars, 1 900 JPY is nineteen hundred yen. Negative is a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units.
    pub minor: i64,
    /// Of this currency.
    pub currency: Currency,
}

impl Money {
    /// So many minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing of this currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Whether anything is to be paid.
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.digits();
        let unit = 10_u64.pow(digits);
        let (sign, whole) = (if self.minor < 0 { "-" } else { "" }, self.minor.unsigned_abs());
        match usize::try_from(digits).unwrap_or_default() {
            0 => write!(f, "{sign}{whole} {}", self.currency),
            width => write!(f, "{sign}{}.{:0width$} {}", whole / unit, whole % unit, self.currency),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, currency: &str) -> String {
        Money::new(minor, currency.parse().unwrap_or_else(|_| unreachable!("a code"))).to_string()
    }

    #[test]
    fn an_amount_is_written_in_major_units() {
        assert_eq!(money(1900, "usd"), "19.00 USD");
        assert_eq!(money(-5, "EUR"), "-0.05 EUR");
        assert_eq!(money(1900, "JPY"), "1900 JPY");
        assert_eq!(money(-1900, "KWD"), "-1.900 KWD");
        assert_eq!(money(i64::MIN, "USD"), "-92233720368547758.08 USD");
    }

    #[test]
    fn a_currency_is_three_letters() {
        for bad in ["", "US", "USDX", "U$D", "ÄB", "us1"] {
            assert_eq!(bad.parse::<Currency>(), Err(BadCurrency), "{bad}");
        }
    }
}
