//! How the fake sends its events: signed, and as badly as a test wants.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use kernel::{Clock, SystemClock};
use stripe_payments::webhook::{TOLERANCE, read, verify};

use crate::world::World;

/// Whoever listens: answers with these statuses, one after the other, and tells what came.
fn listener(statuses: Vec<u16>) -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/webhooks/stripe", listener.local_addr().unwrap());
    let (said, came) = channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut raw = Vec::new();
            let body = loop {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).unwrap();
                raw.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&raw).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
                if body.len() >= length.parse::<usize>().unwrap() {
                    break body.as_bytes().to_vec();
                }
            };
            let head = String::from_utf8_lossy(&raw).into_owned();
            let signature = head.lines().find_map(|line| line.strip_prefix("Stripe-Signature: ")).unwrap().to_owned();
            stream.write_all(format!("HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n").as_bytes()).unwrap();
            // A test that has seen enough listens no more.
            said.send((signature, body)).ok();
        }
    });
    (url, came)
}

#[tokio::test]
async fn events_come_signed_and_again_until_they_are_taken() {
    let world = World::new();
    world.customer().await;
    let expected = world.stripe.events();
    let (created, updated) = (expected[0].id.clone(), expected[1].id.clone());
    let (url, came) = listener(vec![500, 200, 200]);
    world.stripe.listen(&url);
    assert_eq!(world.stripe.deliver(), 1);
    assert_eq!(world.stripe.events().len(), 1);
    assert_eq!(world.stripe.deliver(), 1);
    assert!(world.stripe.events().is_empty());
    let secrets = [world.stripe.webhook_secret().into()];
    let names: Vec<_> = came
        .iter()
        .take(3)
        .map(|(signature, body)| {
            assert_eq!(verify(&secrets, &signature, &body, SystemClock.now(), TOLERANCE), Ok(()));
            read(&body).id
        })
        .collect();
    assert_eq!(names, [created.clone(), updated, created]);
}

#[tokio::test]
async fn events_come_in_the_wrong_order_twice_or_not_at_all() {
    let world = World::new();
    world.stripe.copies(2);
    world.stripe.lose_every(3);
    world.customer().await;
    let customer = world.stripe.all("customer")[0]["id"].as_str().unwrap().to_owned();
    billing_core::PaymentMethods::attach(&world.gateway, &customer, "pm_card_visa", "1").await.unwrap();
    let names: Vec<_> = world.stripe.events().iter().map(|event| event.id.clone()).collect();
    assert_eq!(names.len(), 4, "the third of three is lost, the others are there twice");
    let (url, came) = listener(vec![200; 4]);
    world.stripe.listen(&url);
    assert_eq!(world.stripe.deliver_reversed(), 4);
    let seen: Vec<_> = came.iter().take(4).map(|(_, body)| read(&body).id).collect();
    assert_eq!(seen, names.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(world.stripe.all("event").len(), 3);
}
