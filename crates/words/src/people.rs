//! Words for persons.

use mqdrop_core::isolated;
use mqdrop_core::view::{PersonName, TransferView, Verified};

use crate::Words;

impl Words {
    /// Names behind one another, as a part of a sentence.
    #[must_use]
    pub fn names(self, persons: &[PersonName]) -> String {
        let names: Vec<String> = persons
            .iter()
            .map(|person| isolated(&self.person_name(&person.name, person.is_namesake)))
            .collect();
        names.join(self.phrase_separator())
    }

    /// A person's name, which tells the person from another one of this name who was known first.
    #[must_use]
    pub fn person_name(self, name: &str, is_namesake: bool) -> String {
        if is_namesake {
            self.people_namesake(name)
        } else {
            name.to_owned()
        }
    }

    /// The sender of a parcel by name, with a mark if the user knows that it is this person.
    #[must_use]
    pub fn sender(self, view: &TransferView) -> String {
        let from = &view.from;
        let name = self.person_name(&from.name, from.is_namesake);
        match from.verified {
            Verified::No => name,
            Verified::Link | Verified::Words => [&name, " ✓"].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn names_stand_behind_one_another() {
        let named = |name: &str, is_namesake| PersonName {
            person: name.into(),
            name: name.into(),
            is_namesake,
            verified: Verified::No,
        };
        let names = Words::page().names(&[named("Ann", false), named("Ben", true)]);
        let [ann, ben] = ["Ann", "Another Ben"].map(isolated);
        assert_eq!(names, format!("{ann}, {ben}"));
    }
}
