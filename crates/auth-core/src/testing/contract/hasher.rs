use secrecy::{ExposeSecret, SecretString};

use crate::PasswordHasher;

/// What every [`PasswordHasher`] promises, but for its cost.
pub async fn password_hasher_contract(hasher: &dyn PasswordHasher) {
    let password = SecretString::from("tulip wagon 7 rivers");
    let wrong = SecretString::from("tulip wagon 7 river");
    let phc = hasher.hash(&password).await.unwrap();
    let again = hasher.hash(&password).await.unwrap();

    assert!(phc.expose_secret().starts_with('$'), "a PHC string begins with $");
    assert!(!phc.expose_secret().contains(password.expose_secret()), "the password is not in its hash");
    assert_ne!(phc.expose_secret(), again.expose_secret(), "each hash has a salt of its own");
    for hash in [&phc, &again] {
        assert!(hasher.verify(&password, Some(hash)).await.unwrap(), "the right password");
        assert!(!hasher.verify(&wrong, Some(hash)).await.unwrap(), "another password");
        assert!(!hasher.verify(&SecretString::from(""), Some(hash)).await.unwrap(), "no password");
        assert!(!hasher.verify(hash, Some(hash)).await.unwrap(), "the hash itself is not the password");
    }
    assert!(!hasher.verify(&password, None).await.unwrap(), "an account without a password has no right one");
    assert!(!hasher.verify(&SecretString::from(""), None).await.unwrap(), "not even the empty one");
    for damaged in ["", "$", "plain text", "tulip wagon 7 rivers"] {
        let answer = hasher.verify(&password, Some(&damaged.into())).await;
        assert!(!matches!(answer, Ok(true)), "{damaged:?} is the hash of nothing");
    }

    let long = SecretString::from("Ä long pässphrase \u{1f980}".repeat(6));
    let longer = SecretString::from(format!("{}!", long.expose_secret()));
    let phc = hasher.hash(&long).await.unwrap();
    assert!(hasher.verify(&long, Some(&phc)).await.unwrap(), "a long password that is not ASCII");
    assert!(!hasher.verify(&longer, Some(&phc)).await.unwrap(), "nothing of a long password is cut off");
}
