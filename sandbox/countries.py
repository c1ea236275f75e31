"""Lists names, cities and phone ranges of the countries in which the world's people live."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    code: str
    name: str
    weight: int
    """Share of people, against the other countries."""
    top_level: str
    """Of company domains."""
    company_form: str
    mobile: str
    """E.164 with `#` for a digit and `@` for a US area; valid and of the kind for libphonenumber."""
    fixed: str
    cities: tuple[str, ...]
    streets: tuple[str, ...]
    postcode: str
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


COUNTRIES = (
    # a US number does not tell whether it is mobile: both templates are the same kind of number
    Country("US", "United States", 24, "com", "Inc", "+1@556####", "+1@556####",
        _words("San_Francisco Chicago Austin Boston Denver Seattle"),
        _words("Market_Street Elm_Avenue Harbor_Road"), "9####",
        _words("James Mary Robert Linda Michael Ashley Tyrone Guadalupe Kevin Brooke Darnell Hannah"),
        _words("Walker Bennett Hughes Ramirez O'Connor Coleman Brooks Sanders Whitfield McAllister Delgado Prescott")),
    Country("DE", "Germany", 12, "de", "GmbH", "+491512#######", "+493024######",
        _words("Berlin München Köln Hamburg Düsseldorf"), _words("Hauptstr. Königsallee Gartenweg"), "1####",
        _words("Jürgen Anna Björn Käthe Stefan Sören Lena Günther Mareike Jörg"),
        _words("Müller Schröder Weiß Krüger Jäger Böhm Großmann Schäfer von_der_Heide Lübke")),
    Country("FR", "France", 8, "fr", "SAS", "+33612######", "+3314276####",
        _words("Paris Lyon Besançon Nîmes Orléans"), _words("rue_des_Écoles avenue_Foch quai_Sud"), "75###",
        _words("François Hélène Benoît Chloé Jérôme Zoé Loïc Maëlle Agnès Étienne"),
        _words("Lefèvre Dubois Lemaître Garçon Desprès Beauchêne Noël de_La_Tour Aubé Carré")),
    Country("ES", "Spain", 6, "es", "SL", "+34612######", "+3491#######",
        _words("Madrid Málaga Cádiz Logroño León"), _words("Calle_Mayor Gran_Vía Paseo_Nuevo"), "28###",
        _words("José Lucía Iñigo Begoña Andrés Sofía Martín Nuria"),
        _words("Núñez García_Lorente Muñoz Ibáñez Peñalver Ordóñez Gutiérrez Cañizares")),
    Country("PL", "Poland", 5, "pl", "Sp. z o.o.", "+48512######", "+4822#######",
        _words("Warszawa Kraków Łódź Gdańsk Wrocław"), _words("ul._Długa ul._Świętojańska ul._Polna"), "00-###",
        _words("Łukasz Małgorzata Paweł Żaneta Michał Agnieszka Grażyna Wojciech"),
        _words("Wiśniewski Kowalczyk Łoś Zieliński Dąbrowski Świątek Żak Wójcik")),
    Country("TR", "Turkey", 5, "com.tr", "A.Ş.", "+90532#######", "+90212#######",
        _words("İstanbul Ankara İzmir Eskişehir"), _words("Atatürk_Caddesi Çiçek_Sokak"), "34###",
        _words("Çağla Gökhan Şebnem İbrahim Ümit Işıl Tuğçe Özgür"),
        _words("Yılmaz Çelik Öztürk Şahin Kılıç Doğan Aydın Güneş")),
    Country("JP", "Japan", 5, "co.jp", "K.K.", "+81902#######", "+8135#######",
        _words("Tokyo Osaka Kyoto Sapporo"), _words("Chuo-dori Sakura-dori"), "100-####",
        _words("Haruka Kenji Yūko Takeshi Shōta Aiko Ryōhei Natsumi"),
        _words("Satō Tanaka Ōno Itō Watanabe Kobayashi Saitō Endō")),
    Country("AE", "United Arab Emirates", 4, "ae", "LLC", "+97150#######", "+97142######",
        _words("Dubai Abu_Dhabi Sharjah"), _words("Corniche_Road Al_Wasl_Road"), "0####",
        _words("Abdulrahman Fatima Khalid Noura Omar Layla Yousef Maryam"),
        _words("Al-Mansoori bin_Rashid El-Sayed Haddad Al_Zaabi Qassem Al-Hashimi Barakat")),
    Country("IN", "India", 8, "in", "Pvt Ltd", "+9198########", "+91222#######",
        _words("Mumbai Bengaluru Chennai Pune Hyderabad"), _words("MG_Road Linking_Road"), "4000##",
        _words("Priya Arjun Lakshmi Venkatesh Anjali Rohan Deepika Sanjay"),
        _words("Iyer Subramanian Patel Chatterjee Singh Krishnamurthy Deshpande Reddy")),
    Country("GB", "United Kingdom", 7, "co.uk", "Ltd", "+447400######", "+4420793#####",
        _words("London Manchester Leeds Bristol"), _words("High_Street Station_Road Mill_Lane"), "SW1A #AA",
        _words("Oliver Charlotte Siân Callum Imogen Rhys Niamh Alistair"),
        _words("Ashworth Smythe-Jones MacGregor Pemberton Llewellyn Fairclough O'Neill Thackeray")),
    Country("BR", "Brazil", 5, "com.br", "Ltda", "+55119########", "+55113#######",
        _words("São_Paulo Brasília Goiânia Florianópolis"), _words("Rua_das_Flores Avenida_São_João"), "01###-000",
        _words("João Conceição Antônio Thaís Caio Letícia Vinícius Inês"),
        _words("da_Conceição Araújo dos_Santos Gonçalves Magalhães Simões Brandão Assunção")),
    Country("SE", "Sweden", 3, "se", "AB", "+46701######", "+468######",
        _words("Stockholm Göteborg Malmö Umeå"), _words("Drottninggatan Sjövägen"), "11# ##",
        _words("Åsa Göran Björk Linnéa Håkan Märta Östen Elin"),
        _words("Sjöberg Lindström Åkerman Nyström Öberg Hägg Bäckström Wallén")),
    Country("NG", "Nigeria", 3, "ng", "Ltd", "+234803#######", "+234201#######",
        _words("Lagos Abuja Ibadan"), _words("Marina_Road Allen_Avenue"), "10####",
        _words("Chidinma Oluwaseun Ngozi Emeka Aisha Tunde Ifeoma Babatunde"),
        _words("Okafor Adébáyò Nwosu Balogun Eze Abubakar Olúwadáre Umeh")),
    Country("CZ", "Czechia", 3, "cz", "s.r.o.", "+420601######", "+4202########",
        _words("Praha Brno Plzeň České_Budějovice"), _words("Dlouhá Křížová"), "110 ##",
        _words("Jiří Kateřina Ondřej Zdeňka Tomáš Eliška Řehoř Markéta"),
        _words("Dvořák Nováková Černý Procházka Růžička Šimková Kučera Tichý")),
    Country("VN", "Vietnam", 2, "vn", "JSC", "+84912######", "+84243#######",
        _words("Hà_Nội Đà_Nẵng Huế"), _words("Phố_Huế Đường_Láng"), "10####",
        _words("Thị_Hương Văn_Đức Ngọc_Ánh Minh_Quân Bảo_Châu Hữu_Phước"),
        _words("Nguyễn Trần Phạm Đặng Võ Bùi")),
)  # fmt: skip

US_AREAS = (
    "206", "212", "303", "312", "404", "415", "503", "512", "602", "615", "617", "702", "713", "801", "904", "919",
)  # fmt: skip

TITLES = (
    "VP Sales", "Head of Marketing", "Account Executive", "Chief Technology Officer", "Purchasing Manager",
    "Software Engineer", "Finance Director", "Operations Lead", "Customer Success Manager", "Founder",
    "People Partner", "Product Manager", "Regional Sales Manager, EMEA", "Data Analyst",
)  # fmt: skip

INDUSTRIES = (
    (4, "Software Development"), (11, "Machinery Manufacturing"), (17, "Logistics"), (25, "Food Production"),
    (33, "Renewable Energy"), (41, "Medical Equipment"), (52, "Business Consulting"), (60, "Textiles"),
)  # fmt: skip

TECHNOLOGIES = (
    (1, "Webcart", "E-commerce"), (2, "Formulo", "Forms"), (3, "Statly", "Analytics"), (4, "Chatwise", "Chat"),
    (5, "Mailarc", "E-mail"), (6, "Tagbase", "Tag management"), (7, "Kvstore", "Hosting"),
)  # fmt: skip

COMPANY_WORDS = (
    "nordwind", "talbrook", "kestrelon", "velamar", "brightquay", "osterhaus", "lumivaro", "granitbau", "solvanta",
    "pinewharf", "arcadient", "mirelle", "torvald", "quantora", "halcyra", "zephyrin", "cobaltra", "fernhill",
    "marwick", "oakenfeld",
)  # fmt: skip

FREE_MAIL = ("gmail.com", "gmx.de", "outlook.com", "web.de", "yahoo.com", "o2.pl")
