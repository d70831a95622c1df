/** Builds the page. It is built anew only when something it is made of has changed. */
