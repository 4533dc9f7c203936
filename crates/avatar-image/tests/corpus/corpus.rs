use std::collections::HashSet;

use crate::{
    Outcome, assert_clean,
    cases::{all, noise},
    files::{jpeg, png, webp},
    render,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_file_of_the_corpus_comes_to_what_it_must() {
    let cases = all();
    let distinct: HashSet<&[u8]> = cases.iter().map(|case| case.file.as_slice()).collect();
    assert!(distinct.len() >= 60, "{} different files", distinct.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let answer = render(&case.file).await;
        let outcome = Outcome::of(&answer);
        if outcome != case.outcome {
            wrong.push(format!("{}: {outcome:?} instead of {:?}", case.name, case.outcome));
        }
        if let Ok(rendered) = &answer {
            assert_clean(&case.name, rendered);
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_anywhere_gives_an_answer_and_never_more_than_a_picture() {
    let noise = noise(3300);
    let mut bytes = noise.iter().copied();
    for whole in [png(40, 30), jpeg(40, 30), webp(40, 30)] {
        for _ in 0..120 {
            let mut file = whole.clone();
            for _ in 0..3 {
                let [high, low, value] = [bytes.next(), bytes.next(), bytes.next()].map(Option::unwrap_or_default);
                let at = usize::from(u16::from_be_bytes([high, low])) % file.len();
                file[at] = value;
            }
            if let Ok(rendered) = render(&file).await {
                assert_clean("damaged", &rendered);
            }
        }
    }
}
