"""The peers that Palate's vector is compared with: one file a method, each loadable by `palate eval run --method FILE`.

learning.py holds what they share. docs/rooms/peers.md says what each is and where its settings come from.
"""
