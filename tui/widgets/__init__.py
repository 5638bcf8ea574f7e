"""The parts that the screens are made of. They post messages and ask nobody."""
