"""Where images come from: CelebA, a path of one's own or drawn faces, checked and prepared as shards."""
