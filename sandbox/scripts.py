"""Holds names as their owners write them, with their usual Latin form, and the short forms people use."""

OWN_SCRIPT = (  # (first, last) in the own script, (first, last) in Latin
    (("Дмитрий", "Соколов"), ("Dmitry", "Sokolov")),
    (("Елена", "Королёва"), ("Elena", "Koroleva")),
    (("Олександр", "Шевченко"), ("Oleksandr", "Shevchenko")),
    (("Ивайло", "Тодоров"), ("Ivaylo", "Todorov")),
    (("Γιώργος", "Παπαδόπουλος"), ("Giorgos", "Papadopoulos")),
    (("Ελένη", "Νικολάου"), ("Eleni", "Nikolaou")),
    (("יוסף", "כהן"), ("Yosef", "Cohen")),
    (("محمد", "الهاشمي"), ("Mohammed", "Al-Hashimi")),
    (("राहुल", "शर्मा"), ("Rahul", "Sharma")),
    (("สมชาย", "ใจดี"), ("Somchai", "Jaidee")),
    (("健太", "中村"), ("Kenta", "Nakamura")),
    (("ハルカ", "サトウ"), ("Haruka", "Sato")),
    (("민준", "김"), ("Minjun", "Kim")),
    (("小明", "王"), ("Xiaoming", "Wang")),
    (("Արմեն", "Սարգսյան"), ("Armen", "Sargsyan")),
    (("გიორგი", "ბერიძე"), ("Giorgi", "Beridze")),
)

SHORT = {"James": "Jim", "Robert": "Bob", "Michael": "Mike", "Kevin": "Kev", "Oliver": "Ollie"}
