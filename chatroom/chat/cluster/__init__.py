"""The world of several nodes: each has the whole world, and only the node that has the turn changes it.

``ClusterWorld`` runs the rules as a lone daemon does, and notes what they change and say: the *records* of the turn.
``applying.apply`` does what other nodes' records tell to this node's world. Pure rules, without sockets.
"""
