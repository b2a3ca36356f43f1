"""Whether it can be shipped: the image, the chart, the wheel, the unit, the compose file."""
