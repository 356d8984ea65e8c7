"""What a node of a cluster needs of Redis: the turn, the stream, the leases.

Several daemons (nodes) run one chat and take turns: only the node that has the **turn** changes the world. What it
changed goes into one Redis **stream**, and every other node applies it in the stream's order. A node is alive as long
as it renews its **lease**. ``cluster_contract`` says what the rest of the daemon may rely on, and
``redis_link`` does it.
"""
