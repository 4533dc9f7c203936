use kernel::Ambient;
use kernel::testing::race;

use crate::{AvatarName, BlobStore};

/// What every [`BlobStore`] promises.
pub async fn blob_store_contract(store: &dyn BlobStore, ambient: &Ambient) {
    let (first, second) = (AvatarName::mint(ambient), AvatarName::mint(ambient));
    let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(300_000).collect();
    assert_eq!(store.get(&first.webp()).await.unwrap(), None, "no file of that name");
    store.put(&first.webp(), every_byte.clone()).await.unwrap();
    store.put(&first.png(), b"png".to_vec()).await.unwrap();
    store.put(&second.webp(), b"webp".to_vec()).await.unwrap();
    assert_eq!(store.get(&first.webp()).await.unwrap(), Some(every_byte), "a file reads back to the byte");
    assert_eq!(store.get(&first.png()).await.unwrap(), Some(b"png".to_vec()), "each name has its file");
    assert_eq!(store.get(&second.png()).await.unwrap(), None);

    store.delete(&first.webp()).await.unwrap();
    assert_eq!(store.get(&first.webp()).await.unwrap(), None, "removed");
    assert_eq!(store.get(&first.png()).await.unwrap(), Some(b"png".to_vec()), "and no other file with it");
    store.delete(&first.webp()).await.unwrap();
    store.delete(&AvatarName::mint(ambient).png()).await.unwrap();
    for file in [first.png(), second.webp()] {
        store.delete(&file).await.unwrap();
        assert_eq!(store.get(&file).await.unwrap(), None);
    }
}

/// 32 files that are kept, read and removed at once do not disturb each other.
pub async fn blob_store_race(store: &dyn BlobStore, ambient: &Ambient) {
    let names: Vec<_> = (0..32).map(|_| AvatarName::mint(ambient).webp()).collect();
    race(names.len(), async |n| {
        let bytes = vec![u8::try_from(n).unwrap(); 10_000];
        store.put(&names[n], bytes.clone()).await.unwrap();
        assert_eq!(store.get(&names[n]).await.unwrap(), Some(bytes), "file {n}");
        store.delete(&names[n]).await.unwrap();
        assert_eq!(store.get(&names[n]).await.unwrap(), None, "file {n}");
    })
    .await;
}
