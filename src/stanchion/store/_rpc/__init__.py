"""Generated code for etcd's protocol. Made by ``scripts/stubs`` from ``etcd.proto``; never edited."""
