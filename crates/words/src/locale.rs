//! Numbers and plurals of a language.

/// The rules of a language for numbers. The page asks the browser's `Intl`.
pub trait Locale: Sync {
    /// The plural category of a number of things.
    fn plural(&self, count: u64) -> Plural;

    /// A whole number with separators between its groups.
    fn number(&self, number: u64) -> String;

    /// A number of tenths with one digit behind the decimal separator.
    fn tenths(&self, tenths: u64) -> String;
}

/// A plural category (Unicode CLDR, "Language Plural Rules").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plural {
    /// As Arabic has for 0.
    Zero,
    /// As English has for 1.
    One,
    /// As Welsh has for 2.
    Two,
    /// As Polish has for 2 to 4.
    Few,
    /// As Polish has for 5.
    Many,
    /// All else, in every language.
    Other,
}

impl Plural {
    /// The category with this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "zero" => Self::Zero,
            "one" => Self::One,
            "two" => Self::Two,
            "few" => Self::Few,
            "many" => Self::Many,
            _ => Self::Other,
        }
    }

    /// Its name, as in the languages' files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::One => "one",
            Self::Two => "two",
            Self::Few => "few",
            Self::Many => "many",
            Self::Other => "other",
        }
    }
}

/// English as it is written in the world at large.
#[derive(Debug)]
pub struct English;

impl Locale for English {
    fn plural(&self, count: u64) -> Plural {
        if count == 1 {
            Plural::One
        } else {
            Plural::Other
        }
    }

    fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text
    }

    fn tenths(&self, tenths: u64) -> String {
        format!("{}.{}", self.number(tenths / 10), tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn numbers_are_grouped() {
        let texts = [0, 999, 1000, 20_000, 1_234_567].map(|number| English.number(number));
        assert_eq!(texts, ["0", "999", "1,000", "20,000", "1,234,567"]);
        assert_eq!(English.tenths(12_345), "1,234.5");
    }

    #[test]
    fn categories_have_the_names_of_the_files() {
        for name in ["zero", "one", "two", "few", "many", "other"] {
            assert_eq!(Plural::named(name).name(), name);
        }
    }
}
