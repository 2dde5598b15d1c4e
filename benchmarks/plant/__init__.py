"""How well a plant is watched: on BATADAL beside other models, on simulated plants the promise and each kind of attack."""
