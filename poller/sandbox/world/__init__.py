"""The world behind the simulated vendors: records with histories, and the ways in which vendors misbehave."""
