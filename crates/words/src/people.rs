//! Words for persons.

use mqdrop_core::isolated;
use mqdrop_core::view::{PersonName, PersonView};

use crate::Words;

impl Words {
    /// Names behind one another, as a part of a sentence.
    #[must_use]
    pub fn names(self, persons: &[PersonName]) -> String {
        let names: Vec<String> = persons
            .iter()
            .map(|person| isolated(&person.name))
            .collect();
        names.join(self.phrase_separator())
    }

    /// A person's name, which tells the person from another one of this name who was known first.
    #[must_use]
    pub fn person_name(self, person: &PersonView) -> String {
        if person.is_namesake {
            self.people_namesake(&person.name)
        } else {
            person.name.clone()
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
        let named = |name: &str| PersonName {
            person: name.into(),
            name: name.into(),
        };
        let [ann, ben] = ["Ann", "Ben"].map(named);
        let names = Words::page().names(&[ann, ben]);
        assert_eq!(names, format!("{}, {}", isolated("Ann"), isolated("Ben")));
    }
}
