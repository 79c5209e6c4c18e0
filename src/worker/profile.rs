//! The browser's profile, and the persons of rooms as far as it knows them. Where there is no storage, each
//! page is another person, who knows nobody.

use js_sys::{Array, Date, Uint8Array};
use mqdrop_core::{Profile, merge_people};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::IdbTransactionMode::{Readonly, Readwrite};

use super::database::{self, answer, dated, store, undated};

/// The store of the profile, which has one key.
const PROFILE: &str = "profile";
/// The store of records, by the names of their rooms in topics.
const PEOPLE: &str = "people";

/// After so long without a visit a room's persons are forgotten, in milliseconds.
const KEPT_FOR: f64 = 180.0 * 24.0 * 3600.0 * 1000.0;

/// What is kept for someone who enters a room.
pub(super) struct Remembered {
    pub(super) profile: Profile,
    /// The record of the room's persons; empty if there is none.
    pub(super) people: Vec<u8>,
}

impl Remembered {
    /// Nothing is kept: the profile is made now, and `secret` is its own.
    pub(super) fn nothing(name: &str, secret: [u8; 32]) -> Self {
        Self {
            profile: Profile {
                secret,
                name: name.to_owned(),
                named: now(),
            },
            people: Vec::new(),
        }
    }
}

/// Finds what is kept for a room, and keeps `made` if there is no profile. A name that it did not have
/// before is chosen now. Some browsers never answer.
///
/// # Errors
/// The browser's.
pub(super) async fn find(room: &str, made: &Profile) -> Result<Remembered, JsValue> {
    let profile = profile(made).await?;
    let people = answer(&store(PEOPLE, Readonly).await?.get(&room.into())?).await?;
    Ok(Remembered {
        profile,
        people: record(&people),
    })
}

/// The profile that is kept, under the name of `made`, or else `made` itself.
async fn profile(made: &Profile) -> Result<Profile, JsValue> {
    // One transaction, as two tabs may begin at once.
    let store = store(PROFILE, Readwrite).await?;
    let kept = from_value(&answer(&store.get(&PROFILE.into())?).await?);
    let profile = match kept {
        Some(kept) if kept.name == made.name => return Ok(kept),
        Some(kept) => made.in_place_of(&kept),
        None => made.clone(),
    };
    answer(&store.put_with_key(&to_value(&profile), &PROFILE.into())?).await?;
    Ok(profile)
}

/// Keeps the record of a room's persons, together with what other tabs found out meanwhile.
///
/// # Errors
/// The browser's.
pub(super) async fn keep_people(room: &str, record: &[u8]) -> Result<(), JsValue> {
    let (store, key) = (store(PEOPLE, Readwrite).await?, JsValue::from(room));
    let before = self::record(&answer(&store.get(&key)?).await?);
    let merged = Uint8Array::from(&merge_people(&before, record)[..]);
    answer(&store.put_with_key(&dated(&merged), &key)?).await?;
    Ok(())
}

/// Forgets in the background the persons of rooms that were not visited for long.
pub(super) fn sweep() {
    database::sweep(PEOPLE, KEPT_FOR);
}

/// The record that is kept; empty if there is none.
fn record(kept: &JsValue) -> Vec<u8> {
    let record = undated(kept).and_then(|record| bytes(&record));
    record.unwrap_or_default()
}

/// Milliseconds since 1970, by the system's clock.
pub(super) fn now() -> u64 {
    Date::now() as u64
}

fn to_value(profile: &Profile) -> JsValue {
    let secret = Uint8Array::from(&profile.secret[..]);
    Array::of3(
        &secret,
        &(profile.named as f64).into(),
        &profile.name.as_str().into(),
    )
    .into()
}

fn from_value(value: &JsValue) -> Option<Profile> {
    let parts: &Array = value.dyn_ref()?;
    Some(Profile {
        secret: bytes(&parts.get(0))?.try_into().ok()?,
        named: parts.get(1).as_f64()? as u64,
        name: parts.get(2).as_string()?,
    })
}

fn bytes(value: &JsValue) -> Option<Vec<u8>> {
    Some(value.dyn_ref::<Uint8Array>()?.to_vec())
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    async fn found(room: &str, name: &str, secret: u8) -> Remembered {
        let made = Remembered::nothing(name, [secret; 32]).profile;
        find(room, &made).await.unwrap()
    }

    #[wasm_bindgen_test]
    async fn a_profile_is_the_same_person_whatever_its_name() {
        let first = found("room", "Ann", 1).await.profile;
        let again = found("room", "Ann", 2).await.profile;
        assert_eq!((again.secret, again.named), (first.secret, first.named));
        let renamed = found("room", "Anna", 3).await.profile;
        assert_eq!(
            (renamed.secret, renamed.name.as_str()),
            (first.secret, "Anna")
        );
    }

    #[wasm_bindgen_test]
    async fn the_record_of_a_room_is_found_again() {
        let record = merge_people(&[], &[]);
        keep_people("one", &record).await.unwrap();
        assert_eq!(found("one", "Ann", 1).await.people, record);
        assert!(found("two", "Ann", 1).await.people.is_empty());
    }

    #[wasm_bindgen_test]
    async fn rooms_that_were_not_visited_for_long_are_forgotten_and_the_profile_is_not() {
        let ann = found("old", "Ann", 1).await.profile;
        keep_people("old", &merge_people(&[], &[])).await.unwrap();
        let later = js_sys::Date::now() + 60_000.0;
        database::sweep_before(PEOPLE, later).await.unwrap();
        let again = found("old", "Ann", 2).await;
        assert!(again.people.is_empty());
        assert_eq!(again.profile.secret, ann.secret);
    }

    #[wasm_bindgen_test]
    fn what_is_no_profile_is_none() {
        for value in [JsValue::NULL, Array::new().into(), 5.into()] {
            assert!(from_value(&value).is_none());
        }
    }
}
